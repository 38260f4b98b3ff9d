#include "common/event/address.hpp"

#include <algorithm>

namespace sluice::event {
namespace {

constexpr std::string_view digits = "0123456789";
constexpr std::string_view letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

bool all_digits(std::string_view text) {
  return text.find_first_not_of(digits) == std::string_view::npos;
}
bool is_upper(char letter) {
  return letter >= 'A' && letter <= 'Z';
}
bool is_digit_or_letter(char letter) {
  return digits.find(letter) != std::string_view::npos || letters.find(letter) != std::string_view::npos;
}

bool is_phone(std::string_view identity) {
  return identity.starts_with('+') && identity.size() >= 3 && identity.size() <= 16 && all_digits(identity.substr(1));
}

bool is_user_id(std::string_view identity) {
  if (identity.size() < 4 || identity[2] != '.' || !is_upper(identity[0]) || !is_upper(identity[1])) return false;
  return std::all_of(identity.begin() + 3, identity.end(), is_digit_or_letter);
}

bool is_messaging_service(std::string_view identity) {
  constexpr std::string_view hex = "0123456789abcdefABCDEF";
  return identity.size() == 34 && identity.starts_with("MG") &&
         identity.find_first_not_of(hex, 2) == std::string_view::npos;
}

bool is_short_code(std::string_view identity) {
  return identity.size() >= 3 && identity.size() <= 8 && all_digits(identity);
}

// A prefix is lower-case letters and a colon.
std::size_t prefix_bytes(std::string_view text) {
  const auto colon = text.find(':');
  if (colon == std::string_view::npos || colon == 0) return 0;
  const auto name = text.substr(0, colon);
  return std::all_of(name.begin(), name.end(), [](char c) { return c >= 'a' && c <= 'z'; }) ? colon + 1 : 0;
}

// Country and last two digits, without telling how many there are between; too short a number shows nothing.
std::string masked_number(std::string_view identity) {
  constexpr std::size_t shown_min = 9;  // with the plus
  if (identity.size() < shown_min) return "+***";
  return fmt::format("{}***{}", identity.substr(0, 3), identity.substr(identity.size() - 2));
}

}  // namespace

std::string_view name_of(Channel channel) {
  switch (channel) {
    case Channel::sms:
      return "sms";
    case Channel::whatsapp:
      return "whatsapp";
    case Channel::messenger:
      return "messenger";
    case Channel::rcs:
      return "rcs";
    case Channel::other:
      return "other";
  }
  return "other";
}

Result<Address> Address::parse(std::string_view text) {
  if (text.empty() || text.size() > bytes_max) return fail(Kind::invalid, "an address has 1 to 256 bytes");
  const auto allowed = [](char c) { return c >= ' ' && c <= '~' && c != '|'; };
  if (!std::all_of(text.begin(), text.end(), allowed)) {
    return fail(Kind::invalid, "an address is printable ASCII without a bar");
  }
  const auto identity = text.substr(prefix_bytes(text));
  if (identity.empty() || identity.front() == ' ' || identity.back() == ' ' || text.front() == ' ') {
    return fail(Kind::invalid, "an address neither begins nor ends with a space and names something behind its prefix");
  }
  return Address{std::string{text}};
}

std::string_view Address::prefix() const {
  return std::string_view{text_}.substr(0, prefix_bytes(text_));
}
std::string_view Address::identity() const {
  return std::string_view{text_}.substr(prefix_bytes(text_));
}

Channel Address::channel() const {
  const auto name = prefix();
  if (name.empty()) return Channel::sms;
  if (name == "whatsapp:") return Channel::whatsapp;
  if (name == "messenger:") return Channel::messenger;
  if (name == "rcs:") return Channel::rcs;
  return Channel::other;
}

AddressForm Address::form() const {
  const auto whole = identity();
  if (is_phone(whole)) return AddressForm::phone;
  if (is_messaging_service(whole)) return AddressForm::messaging_service;
  if (is_user_id(whole)) return AddressForm::user_id;
  return channel() == Channel::sms && is_short_code(whole) ? AddressForm::short_code : AddressForm::name;
}

std::string Address::masked() const {
  const auto whole = identity();
  switch (form()) {
    case AddressForm::phone:
      return fmt::format("{}{}", prefix(), masked_number(whole));
    case AddressForm::user_id:
      return fmt::format("{}{}***", prefix(), whole.substr(0, 3));
    case AddressForm::messaging_service:
    case AddressForm::short_code:
      return text_;  // a business, not a person
    case AddressForm::name:
      return fmt::format("{}***", prefix());
  }
  return "***";
}

}  // namespace sluice::event
