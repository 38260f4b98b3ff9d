#include "common/telemetry/redacted.hpp"

#include <cctype>
#include <cstddef>

#include <fmt/format.h>
#include <openssl/crypto.h>
#include <openssl/sha.h>

namespace sluice {
namespace {

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
bool is_token(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '-' || c == '_' || c == '.' || c == '~';
}

// How far a number of a person reaches from `at`: digits with an optional plus and the separators people write.
std::size_t number_length(std::string_view text, std::size_t at, std::size_t& digits) {
  std::size_t end = at;
  digits = 0;
  for (std::size_t i = at; i < text.size(); ++i) {
    const char c = text[i];
    if (is_digit(c)) {
      ++digits;
      end = i + 1;
    } else if (!(c == '+' && i == at) && !(digits > 0 && (c == ' ' || c == '-' || c == '(' || c == ')'))) {
      break;
    }
  }
  return end - at;
}

constexpr std::size_t digits_of_a_number_min = 7;

// Hides the credentials behind "Bearer " or "Basic ", and in "://user:password@".
std::size_t credential_length(std::string_view text, std::size_t at, std::string_view& keep) {
  for (const std::string_view scheme : {std::string_view{"Bearer "}, std::string_view{"Basic "}}) {
    if (text.substr(at, scheme.size()) != scheme) continue;
    std::size_t end = at + scheme.size();
    while (end < text.size() && (is_token(text[end]) || text[end] == '=' || text[end] == '/' || text[end] == '+'))
      ++end;
    keep = scheme;
    return end - at;
  }
  constexpr std::string_view authority = "://";
  if (text.substr(at, authority.size()) != authority) return 0;
  const std::size_t stop = text.find_first_of("/ ?\"'", at + authority.size());
  const std::size_t user_end = text.substr(0, stop).rfind('@');
  if (user_end == std::string_view::npos || user_end < at) return 0;
  keep = authority;
  return user_end + 1 - at;
}

}  // namespace

Secret::~Secret() {
  OPENSSL_cleanse(value_.data(), value_.size());
}

std::string Secret::masked() const {
  if (value_.empty()) return "(not set)";
  unsigned char digest[SHA256_DIGEST_LENGTH];
  SHA256(reinterpret_cast<const unsigned char*>(value_.data()), value_.size(), digest);
  return fmt::format("(set, {:02x}{:02x}{:02x}{:02x})", digest[0], digest[1], digest[2], digest[3]);
}

std::string masked_number(std::string_view number) {
  std::string digits;
  for (const char c : number) {
    if (is_digit(c)) digits += c;
  }
  const std::size_t channel_end = number.find(':');
  const std::string_view channel = channel_end == std::string_view::npos ? "" : number.substr(0, channel_end + 1);
  if (digits.size() < digits_of_a_number_min) return fmt::format("{}…", channel);
  return fmt::format("{}…{}", channel, digits.substr(digits.size() - 2));
}

std::string masked_text(std::string_view text) {
  return fmt::format("({} bytes)", text.size());
}

std::string scrubbed(std::string_view foreign) {
  std::string clean;
  clean.reserve(foreign.size());
  for (std::size_t at = 0; at < foreign.size();) {
    std::string_view keep;
    if (const std::size_t length = credential_length(foreign, at, keep); length > 0) {
      clean.append(keep).append("…");
      at += length;
      continue;
    }
    std::size_t digits = 0;
    const std::size_t length = number_length(foreign, at, digits);
    if (digits >= digits_of_a_number_min) {
      clean += "…";
      at += length;
    } else if (is_digit(foreign[at]) && length > 0) {
      clean.append(foreign.substr(at, length));
      at += length;
    } else {
      clean += foreign[at++];
    }
  }
  return clean;
}

}  // namespace sluice
