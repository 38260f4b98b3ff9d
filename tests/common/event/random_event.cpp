#include "tests/common/event/random_event.hpp"

#include <array>
#include <string_view>

#include "common/event/utf8.hpp"

namespace sluice::event {
namespace {

template <class T, std::size_t size>
const T& one_of(Random& random, const std::array<T, size>& all) {
  return all[random.below(size)];
}

char32_t random_character(Random& random) {
  switch (random.below(6)) {
    case 0:
      return static_cast<char32_t>(1 + random.below(0x1F));  // control characters
    case 1:
      return static_cast<char32_t>(0x80 + random.below(0x780));  // two bytes
    case 2:
      return static_cast<char32_t>(0x800 + random.below(0xD000));  // three bytes below the surrogates
    case 3:
      return static_cast<char32_t>(0xE000 + random.below(0x2000));  // and above them
    case 4:
      return static_cast<char32_t>(0x10000 + random.below(0x100000));  // four bytes
    default:
      return static_cast<char32_t>(0x20 + random.below(0x5F));
  }
}

Json random_number(Random& random) {
  static const std::array<std::string_view, 8> odd{"1e400", "-0",      "0.10", "123456789012345678901234567890",
                                                   "1E+2",  "-1e-999", "0e0",  "1.5"};
  if (random.one_in(2)) return *Json::Number::parse(one_of(random, odd));
  if (random.one_in(2)) return static_cast<std::int64_t>(random.next());
  return random.unit() * 1e6;
}

Json random_value(Random& random, int depth_left) {
  switch (random.below(depth_left > 0 ? 7 : 5)) {
    case 0:
      return nullptr;
    case 1:
      return random.one_in(2);
    case 2:
      return random_number(random);
    case 3:
    case 4:
      return random_text(random, 40);
    case 5:
      return random_object(random, depth_left - 1);
    default: {
      Json::Array items;
      for (auto left = random.below(5); left > 0; --left) items.push_back(random_value(random, depth_left - 1));
      return items;
    }
  }
}

Address random_address(Random& random) {
  static const std::array<std::string_view, 6> forms{
      "+316", "whatsapp:+316", "whatsapp:NL.", "messenger:", "14", "ING "};
  return Address::parse(std::string{one_of(random, forms)} + std::to_string(10 + random.below(100'000'000))).value();
}

template <class Key>
Key random_key(Random& random, const Tenant& tenant) {
  return Key{tenant, OurAddress{random_address(random)}, TheirAddress{random_address(random)}};
}

EventKind random_kind(Random& random) {
  if (random.one_in(10)) return EventKind::parse("kind.of.tomorrow-" + std::to_string(random.below(10))).value();
  return static_cast<Known>(random.below(9));
}

EventId random_id(Random& random) {
  return EventId{digest_of("test", {std::to_string(random.next())})};
}

Time random_time(Random& random) {
  return Time{std::chrono::milliseconds{static_cast<std::int64_t>(random.below(4'000'000'000'000))}};
}

Journey random_journey(Random& random) {
  Journey journey{.attempt = static_cast<std::uint32_t>(random.below(5)),
                  .hops = static_cast<std::uint32_t>(random.below(3))};
  if (random.one_in(3)) journey.not_before = random_time(random);
  if (random.one_in(2)) {
    journey.origin = Origin{"sluice.inbound", static_cast<std::int32_t>(random.below(32)),
                            static_cast<std::int64_t>(random.below(1ULL << 62U)), random_time(random)};
  }
  if (random.one_in(3)) {
    journey.trouble = {
        .error_class = "unavailable", .code = "503", .message = random_text(random, 200), .fingerprint = "f00d"};
  }
  if (random.one_in(4)) journey.replay = "op-" + std::to_string(random.below(1000));
  return journey;
}

Headers random_foreign(Random& random) {
  static const std::array<std::string_view, 6> header_names{"tracestate",         "b3",           "b3",
                                                            "sluice-of-tomorrow", "ce_extension", ""};
  Headers headers;
  for (auto left = random.below(5); left > 0; --left) {
    Header header{.name = std::string{one_of(random, header_names)}, .value = {}};
    if (!random.one_in(4)) header.value = random.one_in(2) ? random_text(random, 20) : std::string{"\xFF\0raw", 5};
    headers.push_back(std::move(header));
  }
  return headers;
}

}  // namespace

std::string random_text(Random& random, std::size_t characters_max) {
  std::string text;
  for (auto left = random.below(characters_max + 1); left > 0; --left) append_utf8(text, random_character(random));
  return text;
}

Json random_object(Random& random, int depth_left) {
  Json object = Json::Object{};
  for (auto left = random.below(6); left > 0; --left)
    object.set(random_text(random, 12), random_value(random, depth_left));
  return object;
}

Event random_event(Random& random) {
  const auto tenant =
      random.one_in(2) ? Tenant::standard() : Tenant::parse("garage-" + std::to_string(random.below(100))).value();
  EventKey key = random_key<InboundKey>(random, tenant);
  if (random.one_in(2)) key = random_key<ConversationKey>(random, tenant);
  Event event{{.id = random_id(random),
               .kind = random_kind(random),
               .tenant = tenant,
               .time = random_time(random),
               .source = "/twilio/AC" + std::to_string(random.below(1000)),
               .journey = random_journey(random),
               .foreign = random_foreign(random)},
              key,
              random_id(random)};
  if (random.one_in(2)) event.parent = random_id(random);
  if (random.one_in(2)) event.trace = TraceParent{random_id(random).text(), random_id(random).text().substr(0, 16), 1};
  event.data = random_object(random, 5);
  event.version.minor = static_cast<std::uint32_t>(random.below(3));
  if (random.one_in(2)) event.unknown = random_object(random, 3);
  return event;
}

}  // namespace sluice::event
