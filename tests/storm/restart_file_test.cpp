// A worker on one file is stopped and killed, and another goes on.
#include <doctest/doctest.h>

#include "tests/storm/restart.hpp"

namespace sluice::storm {

TEST_CASE("a stop repeats nothing, and the next worker on the file goes on in order") {
  a_stop_repeats_nothing(embedded_scene());
}

TEST_CASE("after SIGKILL only what ran starts again, and nothing has a second effect") {
  a_kill_repeats_only_what_was_not_committed(embedded_scene(), true);
}

}  // namespace sluice::storm
