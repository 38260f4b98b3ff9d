#include "common/event/headers.hpp"

#include <algorithm>
#include <vector>

#include <doctest/doctest.h>

#include "tests/common/event/refused.hpp"

namespace sluice::event {
namespace {

const EventId id{digest_of("test", {"1"})};
const ConversationKey conversation =
    ConversationKey::parse("default|whatsapp:+31201234567|whatsapp:+31612345678").value();

EventHeaders plain() {
  return {.id = id,
          .kind = Known::message_received,
          .tenant = Tenant::standard(),
          .time = parse_time("2025-11-20T21:30:00.123Z").value(),
          .source = "/twilio/AC1"};
}

Headers encoded(const EventHeaders& headers, const ConversationKey* subject = nullptr) {
  return encode_headers(headers, subject).value();
}

Result<DecodedHeaders> decoded(const Headers& headers) {
  return decode_headers(views_of(headers));
}

// The headers of plain() with one replaced, or without it.
Headers with(std::string_view name, std::optional<std::string> value) {
  auto headers = encoded(plain());
  std::erase_if(headers, [&](const Header& header) { return header.name == name; });
  if (value) headers.push_back({std::string{name}, std::move(value)});
  return headers;
}

std::size_t count(const Headers& headers, std::string_view name) {
  return static_cast<std::size_t>(
      std::count_if(headers.begin(), headers.end(), [&](const auto& h) { return h.name == name; }));
}

}  // namespace

TEST_CASE("a plain event writes the headers of CloudEvents and its tenant") {
  CHECK(encoded(plain()) == Headers{{"ce_specversion", "1.0"},
                                    {"ce_id", id.text()},
                                    {"ce_type", "message.received"},
                                    {"ce_source", "/twilio/AC1"},
                                    {"ce_time", "2025-11-20T21:30:00.123Z"},
                                    {"sluice-tenant", "default"}});
}

TEST_CASE("what happened on the way stands in headers of its own") {
  auto headers = plain();
  headers.trace = TraceParent::parse("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01");
  headers.journey = {
      .attempt = 2,
      .hops = 4,
      .not_before = parse_time("2025-11-20T22:00:00Z").value(),
      .origin = Origin{"sluice.inbound", 7, 42, headers.time},
      .trouble = {.error_class = "unavailable", .code = "503", .message = "no answer", .fingerprint = "f00d"},
      .replay = "op-1"};

  const auto written = encoded(headers, &conversation);

  const Headers journey{written.begin() + 5, written.end()};
  CHECK(journey == Headers{{"ce_subject", conversation.text()},
                           {"traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"},
                           {"sluice-tenant", "default"},
                           {"sluice-attempt", "2"},
                           {"sluice-hops", "4"},
                           {"sluice-not-before", "2025-11-20T22:00:00.000Z"},
                           {"sluice-origin", "sluice.inbound/7/42/1763674200123"},
                           {"sluice-error-class", "unavailable"},
                           {"sluice-error-code", "503"},
                           {"sluice-error-message", "no answer"},
                           {"sluice-fingerprint", "f00d"},
                           {"sluice-replay", "op-1"}});
  const auto read = decoded(written);
  REQUIRE(read);
  CHECK(read->headers == headers);
  CHECK(read->subject == conversation);
}

TEST_CASE("foreign headers travel untouched with repetitions and order and absent values") {
  auto headers = plain();
  headers.foreign = {{"b3", "1"}, {"tracestate", "a=b"}, {"b3", std::nullopt}, {"", "\xFF"},
                     {"b3", ""},  {"sluice-later", "x"}};

  const auto read = decoded(encoded(headers));

  REQUIRE(read);
  CHECK(read->headers.foreign == headers.foreign);
}

TEST_CASE("ours are replaced and never appended") {
  auto record = encoded(plain());
  record.insert(record.begin(), {"sluice-attempt", "1"});
  record.push_back({"sluice-attempt", "2"});

  auto read = decoded(record);
  REQUIRE(read);
  CHECK(read->headers.journey.attempt == 2);  // the last of a repeated one counts

  read->headers.journey.attempt = 3;
  read->headers.foreign.push_back({"sluice-attempt", "9"});  // even when somebody calls ours foreign
  const auto again = encoded(read->headers);
  CHECK(count(again, "sluice-attempt") == 1);
  CHECK(decoded(again)->headers.journey.attempt == 3);
}

TEST_CASE("a trace that is to be ignored is replaced and the event goes on") {
  const auto read = decoded(with("traceparent", "00-00000000000000000000000000000000-00f067aa0ba902b7-01"));

  REQUIRE(read);
  CHECK_FALSE(read->headers.trace);
  CHECK(count(encoded(read->headers), "traceparent") == 0);
}

TEST_CASE("each header that must be there is named when it is missing") {
  for (const auto* name : {"ce_specversion", "ce_id", "ce_type", "ce_source", "ce_time", "sluice-tenant"}) {
    auto absent = with(name, std::nullopt);
    CHECK(refusal(decoded(absent)) == fmt::format("the header {} is missing", name));
    absent.push_back({name, std::nullopt});
    CHECK(refusal(decoded(absent)) == fmt::format("the header {} is missing", name));
  }
}

TEST_CASE("each header that cannot be understood is named and its text is not repeated") {
  const auto check = [](const char* name, std::string value) {
    CAPTURE(name);
    CAPTURE(value);
    const auto read = decoded(with(name, value));
    CHECK(refused_as(read, Kind::corrupt));
    CHECK(refusal(read).starts_with(fmt::format("the header {}: ", name)));
    if (value.size() > 3) CHECK(refusal(read).find(value) == std::string::npos);
  };
  check("ce_specversion", "2.0");
  check("ce_specversion", "0.3");
  check("ce_id", "not-an-id");
  check("ce_type", "Bad Kind");
  check("ce_source", "");
  check("ce_source", "with space");
  check("ce_source", std::string(513, 'a'));
  check("ce_time", "yesterday");
  check("ce_subject", "whatsapp:+31612345678");
  check("sluice-tenant", "Not A Tenant");
  check("sluice-attempt", "-1");
  check("sluice-attempt", "1x");
  check("sluice-attempt", "");
  check("sluice-attempt", "4294967296");
  check("sluice-hops", "-1");
  check("sluice-not-before", "soon");
  check("sluice-replay", "an operation");
  for (const auto* origin : {"", "t", "t/1/2", "t/1/2/3/4", "/1/2/3", "t/x/2/3", "t/-1/2/3", "t/1/-2/3", "t/1/2/-3",
                             "t/1/2/", "t t/1/2/3"}) {
    check("sluice-origin", origin);
  }
}

TEST_CASE("reasons of failures are cut at a character and cleaned instead of refused") {
  auto headers = plain();
  std::string euros;
  for (int euro = 0; euro < 500; ++euro) euros += "\xE2\x82\xAC";
  headers.journey.trouble.message = euros;
  headers.journey.trouble.code = "bad \xFF";

  const auto trouble = decoded(encoded(headers))->headers.journey.trouble;

  CHECK(trouble.message == euros.substr(0, 999));
  CHECK(trouble.code == "bad \xEF\xBF\xBD");
  CHECK(decoded(with("sluice-error-message", euros))->headers.journey.trouble.message == euros.substr(0, 999));
  CHECK(decoded(with("sluice-error-class", "\xFF"))->headers.journey.trouble.error_class == "\xEF\xBF\xBD");
}

TEST_CASE("what could not be read back is not written") {
  const auto refused = [](auto change) {
    auto headers = plain();
    change(headers);
    return refused_as(encode_headers(headers, nullptr), Kind::invalid);
  };

  CHECK(refused([](EventHeaders& headers) { headers.source = ""; }));
  CHECK(refused([](EventHeaders& headers) { headers.source = "/twilio/A C"; }));
  CHECK(refused([](EventHeaders& headers) { headers.source = std::string(513, 'a'); }));
  CHECK(refused([](EventHeaders& headers) { headers.journey.replay = "an operation"; }));
  CHECK(refused([](EventHeaders& headers) { headers.journey.origin = Origin{"t/x", 1, 2, headers.time}; }));
  CHECK(refused([](EventHeaders& headers) { headers.journey.origin = Origin{"", 1, 2, headers.time}; }));
  CHECK(refused([](EventHeaders& headers) { headers.journey.origin = Origin{"t", -1, 2, headers.time}; }));
  CHECK(refused([](EventHeaders& headers) { headers.journey.origin = Origin{"t", 1, -2, headers.time}; }));
  CHECK_FALSE(refused([](EventHeaders& headers) { headers.journey.origin = Origin{"t", 1, 2, headers.time}; }));
}

TEST_CASE("a trace that is none is not written") {
  auto headers = plain();
  headers.trace = TraceParent{"not an id", "00f067aa0ba902b7", 1};

  CHECK(count(encoded(headers), "traceparent") == 0);
}

TEST_CASE("any minor version of CloudEvents 1 is read and 1.0 is written") {
  const auto read = decoded(with("ce_specversion", "1.1"));

  REQUIRE(read);
  CHECK(encoded(read->headers).front().value == "1.0");
}

}  // namespace sluice::event
