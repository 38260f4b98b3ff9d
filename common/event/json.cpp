#include "common/event/json.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

#include <fmt/format.h>

#include "common/base/ensure.hpp"
#include "common/event/number_text.hpp"

namespace sluice::event {
namespace {

constexpr std::size_t compared_pairwise_max = 16;  // members; above it sorting is cheaper than comparing all pairs

template <class Members>
auto* value_of(Members* members, std::string_view name) {
  const auto is_it = [&](const Json::Member& member) { return member.name == name; };
  using Value = decltype(&members->front().value);
  if (members == nullptr) return Value{nullptr};
  const auto found = std::find_if(members->begin(), members->end(), is_it);
  return found != members->end() ? &found->value : Value{nullptr};
}

std::optional<std::size_t> repeated_in_few(const Json::Object& members) {
  for (std::size_t later = 1; later < members.size(); ++later) {
    for (std::size_t earlier = 0; earlier < later; ++earlier) {
      if (members[earlier].name == members[later].name) return later;
    }
  }
  return std::nullopt;
}

std::optional<std::size_t> repeated_in_many(const Json::Object& members) {
  std::vector<std::size_t> order(members.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::sort(order.begin(), order.end(), [&](std::size_t left, std::size_t right) {
    const int compared = members[left].name.compare(members[right].name);
    return compared < 0 || (compared == 0 && left < right);
  });
  std::optional<std::size_t> first;
  for (std::size_t at = 1; at < order.size(); ++at) {
    if (members[order[at - 1]].name == members[order[at]].name && (!first || order[at] < *first)) first = order[at];
  }
  return first;
}

bool take(std::string_view& text, char wanted) {
  if (!text.starts_with(wanted)) return false;
  text.remove_prefix(1);
  return true;
}
bool take_digits(std::string_view& text) {
  const auto count = std::min(text.find_first_not_of("0123456789"), text.size());
  text.remove_prefix(count);
  return count > 0;
}

// -? (0 | [1-9][0-9]*) (. [0-9]+)? ([eE] [+-]? [0-9]+)?
bool is_number(std::string_view text) {
  take(text, '-');
  if (!take(text, '0') && !take_digits(text)) return false;
  if (take(text, '.') && !take_digits(text)) return false;
  if (take(text, 'e') || take(text, 'E')) {
    if (!take(text, '+')) take(text, '-');
    if (!take_digits(text)) return false;
  }
  return text.empty();
}

}  // namespace

Json::Number::Number(std::int64_t value) : text_(fmt::format_int{value}.str()) {}
Json::Number::Number(std::uint64_t value) : text_(fmt::format_int{value}.str()) {}

std::optional<Json::Number> Json::Number::parse(std::string_view text) {
  if (!is_number(text)) return std::nullopt;
  return Number{std::string{text}};
}

Json::Json(double value) {
  ENSURE(std::isfinite(value), "JSON has no infinity and no NaN");
  value_ = *Number::parse(fmt::format("{}", value));
}

Json Json::object(std::initializer_list<Member> members) {
  Object all{members};
  ENSURE(!repeated_name(all), "a name stands twice in an object of ours");
  return all;
}

std::optional<bool> Json::boolean() const {
  const bool* value = std::get_if<bool>(&value_);
  return value != nullptr ? std::optional{*value} : std::nullopt;
}

std::optional<std::int64_t> Json::integer() const {
  return number() != nullptr ? number_of<std::int64_t>(number()->text()) : std::nullopt;
}

std::optional<double> Json::real() const {
  return number() != nullptr ? number_of<double>(number()->text()) : std::nullopt;
}

const Json* Json::find(std::string_view name) const {
  return value_of(members(), name);
}
Json* Json::find(std::string_view name) {
  return value_of(members(), name);
}

Json& Json::set(std::string_view name, Json value) {
  ENSURE(members() != nullptr, "only an object has members");
  if (Json* there = find(name); there != nullptr) return *there = std::move(value);
  return members()->emplace_back(std::string{name}, std::move(value)).value;
}

bool Json::operator==(const Json& other) const {
  return value_ == other.value_;
}

std::optional<std::size_t> repeated_name(const Json::Object& members) {
  return members.size() <= compared_pairwise_max ? repeated_in_few(members) : repeated_in_many(members);
}

}  // namespace sluice::event
