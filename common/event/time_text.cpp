#include "common/event/time_text.hpp"

#include <algorithm>
#include <optional>

namespace sluice::event {
namespace {

using namespace std::chrono;

constexpr std::string_view pattern = "0000-00-00T00:00:00";  // a 0 stands for a digit, all else for itself
constexpr std::size_t fraction_digits_max = 9;
constexpr Time first_instant = sys_days{year{0} / January / 1};
constexpr Time last_instant = sys_days{year{10000} / January / 1} - milliseconds{1};

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

bool fits_pattern(std::string_view text) {
  if (text.size() < pattern.size()) return false;
  for (std::size_t at = 0; at < pattern.size(); ++at) {
    if (pattern[at] == '0' ? !is_digit(text[at]) : text[at] != pattern[at]) return false;
  }
  return true;
}

int number_at(std::string_view text, std::size_t at, std::size_t digits) {
  int value = 0;
  for (const char digit : text.substr(at, digits)) value = value * 10 + (digit - '0');
  return value;
}

// What follows the seconds: "Z", or a dot, digits and "Z".
std::optional<milliseconds> fraction_of(std::string_view text) {
  if (text == "Z") return milliseconds{0};
  if (text.size() < 3 || text.size() > fraction_digits_max + 2 || text.front() != '.' || text.back() != 'Z') return {};
  const auto digits = text.substr(1, text.size() - 2);
  if (digits.find_first_not_of("0123456789") != std::string_view::npos) return {};
  std::string thousandths{digits.substr(0, 3)};
  thousandths.resize(3, '0');
  return milliseconds{number_at(thousandths, 0, 3)};
}

// The last `digits` of a number, over the zeros at a place of the text.
void put_digits(std::string& text, std::size_t at, std::size_t digits, std::int64_t number) {
  for (std::size_t left = digits; left > 0; --left) {
    text[at + left - 1] = static_cast<char>('0' + number % 10);
    number /= 10;
  }
}

}  // namespace

std::string time_text(Time time) {
  time = std::clamp(time, first_instant, last_instant);
  const auto day = floor<days>(time);
  const year_month_day date{day};
  const hh_mm_ss clock{time - day};
  std::string text = "0000-00-00T00:00:00.000Z";
  put_digits(text, 0, 4, static_cast<int>(date.year()));
  put_digits(text, 5, 2, static_cast<unsigned>(date.month()));
  put_digits(text, 8, 2, static_cast<unsigned>(date.day()));
  put_digits(text, 11, 2, clock.hours().count());
  put_digits(text, 14, 2, clock.minutes().count());
  put_digits(text, 17, 2, clock.seconds().count());
  put_digits(text, 20, 3, clock.subseconds().count());
  return text;
}

Result<Time> parse_time(std::string_view text) {
  const auto wrong = [] { return fail(Kind::invalid, "a time has the form 2026-11-20T21:30:00.123Z"); };
  if (!fits_pattern(text)) return wrong();
  const year_month_day date{year{number_at(text, 0, 4)}, month{static_cast<unsigned>(number_at(text, 5, 2))},
                            day{static_cast<unsigned>(number_at(text, 8, 2))}};
  const int hour = number_at(text, 11, 2);
  const int minute = number_at(text, 14, 2);
  const int second = number_at(text, 17, 2);
  const auto fraction = fraction_of(text.substr(pattern.size()));
  if (!date.ok() || hour > 23 || minute > 59 || second > 59 || !fraction) return wrong();
  return sys_days{date} + hours{hour} + minutes{minute} + seconds{second} + *fraction;
}

}  // namespace sluice::event
