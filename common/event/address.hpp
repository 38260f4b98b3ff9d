// Where a message comes from or goes to, byte for byte as Twilio writes it, with the channel's prefix:
// "+31612345678", "whatsapp:+31612345678", "whatsapp:NL.13491208655302741918", "messenger:1234", "14020", "MG…", "ING
// Bank".
#pragma once

#include <compare>
#include <cstdint>
#include <functional>
#include <ostream>
#include <string>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include "common/base/result.hpp"

namespace sluice::event {

enum class Channel : std::uint8_t { sms, whatsapp, messenger, rcs, other };
std::string_view name_of(Channel channel);

enum class AddressForm : std::uint8_t {
  phone,              // "+" and 2 to 15 digits
  user_id,            // WhatsApp's id of a user who hides the number: two capital letters, a dot, letters and digits
  messaging_service,  // "MG" and 32 hexadecimal digits: a pool of senders, ours only
  short_code,         // 3 to 8 digits without a prefix
  name,               // everything else: a page, an agent, an alphanumeric sender
};

class Address {
 public:
  static constexpr std::size_t bytes_max = 256;

  // Printable ASCII without "|", no space at either end, something behind the prefix; else Kind::invalid.
  static Result<Address> parse(std::string_view text);

  [[nodiscard]] const std::string& text() const { return text_; }  // for Twilio, keys and rows; never for people
  [[nodiscard]] std::string masked() const;                        // for people: "whatsapp:+31***78"

  [[nodiscard]] Channel channel() const;  // sms when there is no prefix
  [[nodiscard]] AddressForm form() const;
  [[nodiscard]] std::string_view identity()
      const;  // without the prefix: one phone number on two channels is one person

  auto operator<=>(const Address&) const = default;

  // Only masked() and the formatter below, which masks too, turn an address into text for people.
  friend std::ostream& operator<<(std::ostream&, const Address&) = delete;

 private:
  explicit Address(std::string text) : text_(std::move(text)) {}
  [[nodiscard]] std::string_view prefix() const;  // with its colon, or empty

  std::string text_;
};

}  // namespace sluice::event

template <>
struct std::hash<sluice::event::Address> {
  std::size_t operator()(const sluice::event::Address& address) const {
    return std::hash<std::string>{}(address.text());
  }
};

template <>
struct fmt::formatter<sluice::event::Address> : fmt::formatter<std::string_view> {
  auto format(const sluice::event::Address& address, fmt::format_context& context) const {
    return fmt::formatter<std::string_view>::format(address.masked(), context);
  }
};
