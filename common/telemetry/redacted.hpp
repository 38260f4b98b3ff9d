// What must never reach a log, a metric or an error: types that cannot be printed but in their masked form.
#pragma once

#include <string>
#include <string_view>
#include <utility>

namespace sluice {

// A token, password or key. It is read by the one call that needs it and shows only whether it is set and a
// fingerprint.
class Secret {
 public:
  Secret() = default;
  explicit Secret(std::string value) : value_(std::move(value)) {}
  Secret(const Secret&) = default;
  Secret& operator=(const Secret&) = default;
  Secret(Secret&&) = default;
  Secret& operator=(Secret&&) = default;
  ~Secret();  // overwrites the bytes

  [[nodiscard]] bool empty() const { return value_.empty(); }
  [[nodiscard]] const std::string& reveal() const { return value_; }
  [[nodiscard]] std::string masked()
      const;  // "(not set)" or "(set, 8 hex digits of its hash)": equal secrets look equal

  bool operator==(const Secret&) const = default;

 private:
  std::string value_;
};

// A person's number or address on its way into a line for operators: the last two digits and nothing else.
std::string masked_number(std::string_view number);

// A customer's text: only its length is ever said.
std::string masked_text(std::string_view text);

// Hides what looks like a number of a person or a credential in a text that somebody else wrote, e.g. the error
// sentence of another service: runs of seven or more digits, bearer tokens, the user part and query of a URL.
std::string scrubbed(std::string_view foreign);

}  // namespace sluice
