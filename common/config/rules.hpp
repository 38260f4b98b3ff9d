// What no single setting can say: which of them contradict each other or need one another.
#pragma once

#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "common/config/read.hpp"
#include "common/config/settings.hpp"

namespace sluice::config {

void check_rules(const Settings& settings, Program program, std::vector<std::string>& mistakes);

// The known name within two changes of a letter, or nothing.
std::string nearest_name(std::string_view name, const std::set<std::string, std::less<>>& names);

}  // namespace sluice::config
