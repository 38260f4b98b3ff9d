#include "common/config/parse.hpp"

#include <algorithm>
#include <array>
#include <charconv>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "common/telemetry/redacted.hpp"

namespace sluice::config {
namespace {

// What was found is quoted short: a value that landed in the wrong setting may be a secret or a number.
std::string quoted(std::string_view found) {
  constexpr std::size_t shown_max = 40;
  const std::string clean = scrubbed(found.substr(0, shown_max));
  return fmt::format("\"{}{}\"", clean, found.size() > shown_max ? "…" : "");
}

std::string_view host_of(std::string_view rest) {
  const std::string_view authority = rest.substr(0, rest.find_first_of("/?#"));
  if (authority.starts_with('[')) return authority.substr(0, authority.find(']') + 1);
  return authority.substr(0, authority.rfind(':'));
}

}  // namespace

Result<std::int64_t> parse_whole(std::string_view text, Allowed allowed) {
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  const bool whole = error == std::errc{} && end == text.data() + text.size() && !text.empty();
  if (!whole || value < allowed.min || value > allowed.max) {
    return fail(Kind::invalid, fmt::format("found {}, allowed is a whole number from {} to {}", quoted(text),
                                           allowed.min, allowed.max));
  }
  return value;
}

Result<bool> parse_flag(std::string_view text) {
  constexpr std::array<std::string_view, 4> yes{"1", "true", "on", "yes"};
  constexpr std::array<std::string_view, 4> no{"0", "false", "off", "no"};
  if (std::find(yes.begin(), yes.end(), text) != yes.end()) return true;
  if (std::find(no.begin(), no.end(), text) != no.end()) return false;
  return fail(Kind::invalid, fmt::format("found {}, allowed are on and off", quoted(text)));
}

Result<std::string> parse_choice(std::string_view text, const std::vector<std::string_view>& words) {
  if (std::find(words.begin(), words.end(), text) != words.end()) return std::string{text};
  return fail(Kind::invalid, fmt::format("found {}, allowed are {}", quoted(text), fmt::join(words, ", ")));
}

bool is_loopback_host(std::string_view host) {
  if (host == "localhost" || host == "[::1]" || host == "::1") return true;
  if (!host.starts_with("127.")) return false;
  return std::all_of(host.begin(), host.end(), [](char c) { return (c >= '0' && c <= '9') || c == '.'; });
}

Result<std::string> parse_url(std::string_view text, UrlRule rule) {
  const std::size_t scheme_end = text.find("://");
  const std::string_view scheme = text.substr(0, scheme_end == std::string_view::npos ? 0 : scheme_end);
  const std::string_view rest = scheme.empty() ? std::string_view{} : text.substr(scheme_end + 3);
  const bool printable = std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c < 0x7F; });
  const std::string_view host = host_of(rest);
  if ((scheme != "https" && scheme != "http") || host.empty() || !printable ||
      rest.find_first_of("#@") != std::string_view::npos) {
    return fail(
        Kind::invalid,
        fmt::format("found {}, allowed is a URL like https://host/path without user, password and #", quoted(text)));
  }
  if (rule == UrlRule::https_or_loopback && scheme == "http" && !is_loopback_host(host)) {
    return fail(Kind::invalid,
                fmt::format("found plain http to {}, allowed is https, or http to this machine only", quoted(host)));
  }
  std::string url{text};
  while (url.ends_with('/')) url.pop_back();
  return url;
}

}  // namespace sluice::config
