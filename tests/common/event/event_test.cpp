#include "common/event/event.hpp"

#include <doctest/doctest.h>

#include "tests/common/event/refused.hpp"

namespace sluice::event {
namespace {

const auto inbound = InboundKey::parse("default|whatsapp:+31201234567|whatsapp:+31612345678").value();
const auto when = parse_time("2025-11-20T21:30:00.123Z").value();

Event received() {
  return root_event({.source = Source::twilio,
                     .account = "AC1",
                     .provider_id = message_id("SM1"),
                     .kind = Known::message_received,
                     .key = inbound,
                     .time = when,
                     .data = Json::object({{"body", "is de Polo er nog?"}, {"media", Json::Array{}}}),
                     .trace = TraceParent::parse("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01")});
}

Encoded record() {
  return encode(received()).value();
}

Result<Event> decoded_with_value(std::string value) {
  auto changed = record();
  changed.value = std::move(value);
  return decode(changed);
}

std::string value_with(std::string_view members) {
  return fmt::format(R"({{"version":"1.0","root":"{}",{}}})", received().root, members);
}

}  // namespace

TEST_CASE("a root event is its own root and has the id of its origin") {
  const auto event = received();

  CHECK(event.id == root_id(Tenant::standard(), Source::twilio, "AC1", message_id("SM1")));
  CHECK(event.root == event.id);
  CHECK_FALSE(event.parent);
  CHECK(event.source == "/twilio/AC1");
  CHECK(event.tenant == Tenant::standard());
}

TEST_CASE("a root event is written as the format's page shows it") {
  const auto written = record();

  CHECK(written.key == "default|whatsapp:+31201234567|whatsapp:+31612345678");
  CHECK(written.value == R"({"version":"1.0","root":")" + received().id.text() +
                             R"(","data":{"body":"is de Polo er nog?","media":[]}})");
  CHECK(written.headers.size() == 7);
}

TEST_CASE("a child belongs to its parent's chain and takes its trace and its mark of a replay along") {
  auto parent = received();
  parent.journey = {.attempt = 3, .origin = Origin{"sluice.inbound", 1, 2, when}, .replay = "op-1"};
  parent.foreign = {{"b3", "1"}};

  const auto child = child_event(parent, {.pool = "dedup",
                                          .kind = Known::message_received,
                                          .index = 1,
                                          .key = minted_conversation(inbound),
                                          .time = when,
                                          .data = Json::object({{"person", "p"}})});

  CHECK(child.id == child_id(parent.tenant, parent.id, "dedup", Known::message_received, 1));
  CHECK(child.root == parent.root);
  CHECK(child.parent == parent.id);
  CHECK(child.source == "/pools/dedup");
  CHECK(child.trace == parent.trace);
  CHECK(child.journey == Journey{.hops = 1, .replay = "op-1"});
  CHECK(child.foreign.empty());
}

TEST_CASE("the subject tells whether the key is a conversation's") {
  auto event = received();
  CHECK(std::holds_alternative<InboundKey>(decode(encode(event).value())->key));

  event.key = minted_conversation(inbound);
  CHECK(decode(encode(event).value())->key == EventKey{minted_conversation(inbound)});
}

TEST_CASE("members that nobody knows survive with their nesting and their numbers") {
  const auto value = value_with(
      R"("data":{"body":"x","later":{"a":[1e400,{"b":null}]}},"extra":[0.10],"zz":{"q":12345678901234567890123})");

  const auto event = decoded_with_value(value);

  REQUIRE(event);
  CHECK(*event->data.find("body")->text() == "x");
  CHECK(event->unknown.members()->size() == 2);
  CHECK(encode(*event)->value == value);
}

TEST_CASE("a version from the future is understood as far as it is additive") {
  const auto value =
      R"({"version":"1.7","root":")" + received().root.text() + R"(","data":{"body":"x"},"mood":"fine"})";

  const auto event = decoded_with_value(value);

  REQUIRE(event);
  CHECK(event->version == Version{1, 7});
  CHECK(encode(*event)->value == value);
}

TEST_CASE("a higher major version is refused with a sentence") {
  const auto refused = decoded_with_value(R"({"version":"2.0","root":"x","data":{}})");

  CHECK(refused_as(refused, Kind::corrupt));
  CHECK(refusal(refused) == "the member version: version 2.0 is not understood, only 1.x: a newer release reads it");
  CHECK(refused_as(decoded_with_value(R"({"version":"0.9","root":"x","data":{}})"), Kind::corrupt));
}

TEST_CASE("a value that cannot be understood is refused with the place") {
  const auto why = [](std::string value) { return refusal(decoded_with_value(std::move(value))); };
  const auto root = received().root.text();

  CHECK(why("") == "the value: an empty JSON text");
  CHECK(why("{\"a\":\"\xFF\"}") == "the value: invalid UTF-8 at byte 6");
  CHECK(why("[]") == "the value is no object");
  CHECK(why(R"({"root":")" + root + R"(","data":{}})") == "the member version is missing");
  CHECK(why(R"({"version":"1.0","data":{}})") == "the member root is missing");
  CHECK(why(R"({"version":"1.0","root":")" + root + R"("})") == "the member data is missing");
  CHECK(why(R"({"version":1.0,"root":")" + root + R"(","data":{}})") == "the member version is no text");
  CHECK(why(R"({"version":"one","root":")" + root + R"(","data":{}})") == "the member version: no version");
  CHECK(why(R"({"version":"1","root":")" + root + R"(","data":{}})") == "the member version: no version");
  CHECK(why(R"({"version":"1.0x","root":")" + root + R"(","data":{}})") == "the member version: no version");
  CHECK(why(R"({"version":"1.0","root":"nobody","data":{}})").starts_with("the member root: an id has"));
  CHECK(why(value_with(R"("parent":null,"data":{})")) == "the member parent is no text");
  CHECK(why(value_with(R"("data":[])")) == "the member data is no object");
  CHECK(why(value_with(R"("data":{},"data":{})")).starts_with("the value: a name stands twice"));
}

TEST_CASE("a key that does not fit is refused and no address is told") {
  auto written = record();
  const auto headers = std::vector<HeaderView>{};
  CHECK(refusal(decode(std::nullopt, written.value, headers)) == "the record has no key");
  CHECK(refusal(decode(written.key, std::nullopt, headers)) == "the record has no value");

  written.key = "whatsapp:+31612345678";
  CHECK(refusal(decode(written)).starts_with("the key: "));
  CHECK(refusal(decode(written)).find("612345678") == std::string::npos);

  written.key = "other|whatsapp:+31201234567|whatsapp:+31612345678";
  CHECK(refusal(decode(written)) == "the key names another tenant than the header");

  written.key = record().key;
  written.headers.push_back({"ce_subject", "default|whatsapp:+31201234567|whatsapp:+31600000000"});
  CHECK(refusal(decode(written)) == "the key and ce_subject differ");
}

TEST_CASE("data may be 64 levels deep and no more") {
  const auto data = [](std::size_t depth) { return Json::object({{"a", parse_json(nested(depth - 1)).value()}}); };
  auto event = received();

  event.data = data(64);
  const auto written = encode(event);
  REQUIRE(written);
  CHECK(decode(*written) == event);

  event.data = Json::object({{"a", data(64)}});
  CHECK(refused_as(encode(event), Kind::invalid));
  CHECK(refused_as(decoded_with_value(value_with(R"("data":{"a":)" + nested(64) + "}")), Kind::corrupt));
}

TEST_CASE("the largest value is written and read and one byte more is refused") {
  auto event = received();
  event.data = Json::object({{"body", ""}});
  const auto around = encode(event)->value.size();

  event.data.set("body", std::string(value_bytes_max - around, 'x'));
  const auto written = encode(event);
  REQUIRE(written);
  CHECK(written->value.size() == value_bytes_max);
  CHECK(decode(*written) == event);

  event.data.set("body", std::string(value_bytes_max - around + 1, 'x'));
  CHECK(refused_as(encode(event), Kind::invalid));
  CHECK(refused_as(decoded_with_value(written->value + " "), Kind::corrupt));
}

TEST_CASE("what could not be read back is not written") {
  const auto refused = [](auto change) {
    auto event = received();
    change(event);
    return refused_as(encode(event), Kind::invalid);
  };

  CHECK(refused([](Event& event) { event.data = "text"; }));
  CHECK(refused([](Event& event) { event.unknown = nullptr; }));
  CHECK(refused([](Event& event) { event.unknown = Json::object({{"root", "x"}}); }));
  CHECK(refused([](Event& event) { event.data.set("body", "\xFF"); }));
  CHECK(refused([](Event& event) { event.data.set("body", std::string{"\0", 1}); }));
  CHECK(refused([](Event& event) { event.unknown.set("x", "\xFF"); }));
  CHECK(refused([](Event& event) { event.version.major = 2; }));
  CHECK(refused([](Event& event) { event.source = "no source"; }));
  CHECK(refused([](Event& event) { event.tenant = *Tenant::parse("other"); }));
}

}  // namespace sluice::event
