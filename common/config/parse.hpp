// Texts of settings into values. Each answers with what was found and what is allowed.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/result.hpp"
#include "common/config/fields.hpp"

namespace sluice::config {

Result<std::int64_t> parse_whole(std::string_view text, Allowed allowed);
Result<bool> parse_flag(std::string_view text);
Result<std::string> parse_choice(std::string_view text, const std::vector<std::string_view>& words);
Result<std::string> parse_url(std::string_view text, UrlRule rule);  // without a slash at its end

bool is_loopback_host(std::string_view host);

}  // namespace sluice::config
