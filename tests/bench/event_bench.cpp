// What the envelope costs: in and out of a record, 1 KB.
#include "common/event/event.hpp"
#include "tests/bench/bench.hpp"

namespace sluice::bench {
namespace {

constexpr int times = 50'000;

event::Event sample() {
  const auto tenant = event::Tenant::parse("default").value();
  const auto ours = event::OurAddress{event::Address::parse("whatsapp:+31201234567").value()};
  const auto theirs = event::TheirAddress{event::Address::parse("whatsapp:+31612345678").value()};
  return event::root_event({.source = event::Source::twilio,
                            .account = "AC0123456789abcdef0123456789abcdef",
                            .provider_id = event::message_id("SM0123456789abcdef0123456789abcdef"),
                            .kind = event::Known::message_received,
                            .key = event::InboundKey{tenant, ours, theirs},
                            .time = event::Time{std::chrono::milliseconds{1'790'000'000'000}},
                            .data = event::Json::Object{{"body", std::string(700, 'b')}, {"profile_name", "Anna"}}});
}

double round_trips() {
  const event::Event event = sample();
  return 1e6 / times * cpu_seconds_of([&] {
           for (int i = 0; i < times; ++i) {
             const auto encoded = event::encode(event).value();
             event::decode(encoded).value();
           }
         });
}

}  // namespace

void event_bench(Report& report) {
  report.run({.name = "event encode and decode, 1 KB", .unit = "us cpu", .goal = "a few", .ours = round_trips});
}

}  // namespace sluice::bench
