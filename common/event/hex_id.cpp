#include "common/event/hex_id.hpp"

#include <algorithm>

#include <openssl/evp.h>
#include <openssl/sha.h>

#include "common/base/ensure.hpp"

namespace sluice::event {
namespace {

void append_with_length(std::string& input, std::string_view part) {
  const auto length = static_cast<std::uint32_t>(part.size());
  for (const unsigned shift : {24U, 16U, 8U, 0U}) input += static_cast<char>(length >> shift & 0xFFU);
  input += part;
}

constexpr std::uint8_t no_digit = 0xFF;
constexpr std::array<std::uint8_t, 256> digit_of = [] {
  std::array<std::uint8_t, 256> digits{};
  digits.fill(no_digit);
  for (std::uint8_t digit = 0; digit < 10; ++digit) digits[static_cast<std::size_t>('0') + digit] = digit;
  for (std::uint8_t digit = 10; digit < 16; ++digit) digits[static_cast<std::size_t>('a') + digit - 10] = digit;
  return digits;
}();

// Looking it up by its name costs as much as the digest of an id.
const EVP_MD* sha256() {
  static const EVP_MD* const found = EVP_MD_fetch(nullptr, "SHA256", nullptr);  // lives as long as the process
  ENSURE(found != nullptr, "the library knows SHA-256");
  return found;
}

}  // namespace

Digest digest_of(std::string_view purpose, std::initializer_list<std::string_view> parts) {
  std::string input;
  input.reserve(256);
  append_with_length(input, purpose);
  for (const auto part : parts) append_with_length(input, part);
  std::array<std::uint8_t, SHA256_DIGEST_LENGTH> whole{};
  const int done = EVP_Digest(input.data(), input.size(), whole.data(), nullptr, sha256(), nullptr);
  ENSURE(done == 1, "a text in memory has a digest");
  Digest half{};
  std::copy_n(whole.begin(), half.size(), half.begin());
  return half;
}

std::string hex_of(const Digest& digest) {
  constexpr std::string_view digits = "0123456789abcdef";
  std::string text(digest.size() * 2, '0');
  for (std::size_t at = 0; at < digest.size(); ++at) {
    text[2 * at] = digits[digest[at] >> 4U];
    text[2 * at + 1] = digits[digest[at] & 0xFU];
  }
  return text;
}

Result<Digest> parse_hex(std::string_view text) {
  Digest digest{};
  if (text.size() != digest.size() * 2) return fail(Kind::invalid, "an id has 32 lower-case hexadecimal digits");
  std::uint8_t worst = 0;
  for (std::size_t at = 0; at < digest.size(); ++at) {
    const auto high = digit_of[static_cast<unsigned char>(text[2 * at])];
    const auto low = digit_of[static_cast<unsigned char>(text[2 * at + 1])];
    worst = std::max({worst, high, low});
    digest[at] = static_cast<std::uint8_t>(high << 4U | low);
  }
  if (worst == no_digit) return fail(Kind::invalid, "an id has 32 lower-case hexadecimal digits");
  return digest;
}

}  // namespace sluice::event
