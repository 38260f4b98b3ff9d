// What was built: "0.1.0" or "0.1.0+3f9c2d1" when the build knows its commit.
#pragma once

#include <string_view>

namespace sluice {
std::string_view build_version();
}
