// Boost.JSON comes header-only from Debian's package: this is its one compiled unit.
#include <boost/json/src.hpp>
