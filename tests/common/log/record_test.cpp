#include "common/log/record.hpp"

#include <string>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

namespace sluice::log {

namespace {

const std::vector<HeaderView> headers{{"a", "1"}, {"b", std::nullopt}, {"a", ""}, {"", "nameless"}};

Record sample() {
  return Record{{.offset = 42,
                 .timestamp = WallTime{std::chrono::milliseconds{1234}},
                 .key = "key",
                 .value = "value",
                 .headers = headers,
                 .damage = {},
                 .raw_headers = {}}};
}

void check_sample(const Record& record) {
  CHECK(record.offset() == 42);
  CHECK(record.timestamp() == WallTime{std::chrono::milliseconds{1234}});
  CHECK(record.key() == "key");
  CHECK(record.value() == "value");
  CHECK(std::vector<HeaderView>(record.headers().begin(), record.headers().end()) == headers);
  CHECK_FALSE(record.is_poison());
}

Outgoing outgoing() {
  return Outgoing{.topic = "topic",
                  .partition = 1,
                  .key = "key",
                  .value = "value",
                  .headers = {{"name", "text"}, {"other", std::nullopt}}};
}

// Each of these is another record than outgoing(), though most have the same bytes in another place.
std::vector<Outgoing> variations() {
  std::vector<Outgoing> all(15, outgoing());
  all[0].key = "kex";
  all[1].value = "valuf";
  all[2].key = "keyv";
  all[2].value = "alue";
  all[3].key.reset();
  all[4].value.reset();
  all[5].key = "";
  all[6].value = "";
  all[7].headers[0] = {"namet", "ext"};
  all[8].headers[0].value = "texu";
  all[9].headers[0].name = "namf";
  all[10].headers[1].value = "";
  all[11].headers.pop_back();
  std::swap(all[12].headers[0], all[12].headers[1]);
  all[13].headers.push_back(all[13].headers[0]);
  all[14].value = "valuename";
  all[14].headers[0].name = "";
  return all;
}

}  // namespace

TEST_CASE("a record copies what it is made of") {
  std::string key = "key";
  std::string value = "value";
  std::string name = "name";
  std::vector<HeaderView> views{{name, value}};
  const Record record{
      {.offset = 1, .timestamp = {}, .key = key, .value = value, .headers = views, .damage = {}, .raw_headers = {}}};

  key = "KEY";
  value = "VALUE";
  name = "NAME";
  views.clear();

  CHECK(record.key() == "key");
  CHECK(record.value() == "value");
  REQUIRE(record.headers().size() == 1);
  CHECK(record.headers()[0] == HeaderView{"name", "value"});
}

TEST_CASE("the views of a record stay where they are when it moves") {
  auto first = sample();
  const auto* key_at = first.key()->data();
  const auto* headers_at = first.headers().data();

  std::vector<Record> many;
  many.push_back(std::move(first));
  for (int i = 0; i < 100; ++i) many.push_back(sample());
  Record last = std::move(many.front());
  many.clear();

  check_sample(last);
  CHECK(last.key()->data() == key_at);
  CHECK(last.headers().data() == headers_at);
}

TEST_CASE("an absent key and an empty key of a record are two things and so with values") {
  const Record absent{
      {.offset = 0, .timestamp = {}, .key = {}, .value = {}, .headers = {}, .damage = {}, .raw_headers = {}}};
  const Record empty{
      {.offset = 0, .timestamp = {}, .key = "", .value = "", .headers = {}, .damage = {}, .raw_headers = {}}};

  CHECK_FALSE(absent.key().has_value());
  CHECK_FALSE(absent.value().has_value());
  CHECK(absent.headers().empty());
  CHECK(empty.key() == "");
  CHECK(empty.value() == "");
}

TEST_CASE("the last header of a name is the one that counts") {
  const auto record = sample();

  CHECK(record.header("a") == "");
  CHECK_FALSE(record.header("b").has_value());
  CHECK_FALSE(record.header("absent").has_value());
  CHECK(record.header("") == "nameless");
}

TEST_CASE("a damaged record keeps its reason and its raw bytes") {
  const std::string raw{"\x00\xff raw", 6};
  const Record record{{.offset = 7,
                       .timestamp = {},
                       .key = "key",
                       .value = "value",
                       .headers = {},
                       .damage = "headers",
                       .raw_headers = raw}};

  CHECK(record.is_poison());
  CHECK(record.damage() == "headers");
  CHECK(record.raw_headers() == raw);
  CHECK(record.value() == "value");
  CHECK_FALSE(sample().is_poison());
  CHECK(sample().damage().empty());
}

TEST_CASE("a record knows what it costs in memory") {
  const std::string big(100'000, 'x');
  const Record record{
      {.offset = 0, .timestamp = {}, .key = big, .value = big, .headers = {}, .damage = {}, .raw_headers = {}}};

  CHECK(record.bytes() >= 200'000);
  CHECK(record.bytes() <= 201'000);
  CHECK(sample().bytes() > 0);
}

TEST_CASE("the checksum is the same on the way in and on the way out") {
  const auto record = outgoing();
  const std::vector<HeaderView> views{{"name", "text"}, {"other", std::nullopt}};

  CHECK(checksum(record) == checksum("key", "value", views));
  CHECK(checksum(record) == checksum(outgoing()));
}

TEST_CASE("the checksum notices every field and every moved boundary") {
  const auto all = variations();

  for (std::size_t i = 0; i < all.size(); ++i) {
    CAPTURE(i);
    CHECK(checksum(all[i]) != checksum(outgoing()));
    for (std::size_t j = 0; j < i; ++j) {
      CAPTURE(j);
      CHECK(checksum(all[i]) != checksum(all[j]));
    }
  }
}

TEST_CASE("the checksum notices every single flipped bit") {
  const std::string key = "some key";
  const std::string value = "some value";

  for (std::size_t bit = 0; bit < value.size() * 8; ++bit) {
    auto damaged = value;
    damaged[bit / 8] = static_cast<char>(damaged[bit / 8] ^ (1 << (bit % 8)));
    CHECK(checksum(key, damaged, {}) != checksum(key, value, {}));
  }
}

TEST_CASE("the checksum does not cover where and when a record was stored") {
  auto moved = outgoing();
  moved.topic = "elsewhere";
  moved.partition = 9;
  moved.timestamp = WallTime{std::chrono::milliseconds{5}};

  CHECK(checksum(moved) == checksum(outgoing()));
}

}  // namespace sluice::log
