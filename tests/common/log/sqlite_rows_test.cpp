// How a record stands in its row, and that whatever a row holds becomes a record, sound or poison.
#include <algorithm>
#include <string>
#include <utility>

#include <doctest/doctest.h>

#include "common/async/random.hpp"
#include "common/log/sqlite_rows.hpp"
#include "tests/support/seed.hpp"

namespace sluice::log {

namespace {

std::string random_text(Random& random, std::size_t bytes_max) {
  std::string text(random.below(bytes_max + 1), '\0');
  for (auto& byte : text) byte = static_cast<char>(random.below(256));
  return text;
}

Headers random_headers(Random& random) {
  Headers headers;
  for (auto left = random.below(6); left > 0; --left) {
    Header header{random_text(random, random.one_in(8) ? 300 : 4), std::nullopt};
    if (!random.one_in(4)) header.value = random_text(random, random.one_in(20) ? 20'000 : 10);
    headers.push_back(std::move(header));
    if (random.one_in(3)) headers.push_back(headers.back());
  }
  return headers;
}

bool same(const Headers& headers, const std::vector<HeaderView>& views) {
  return std::ranges::equal(headers, views, [](const Header& header, const HeaderView& view) {
    return header.name == view.name && header.value == view.value;
  });
}

Headers owned(const std::vector<HeaderView>& views) {
  Headers headers;
  for (const auto& view : views) {
    Header header{std::string{view.name}, std::nullopt};
    if (view.value) header.value = std::string{*view.value};
    headers.push_back(std::move(header));
  }
  return headers;
}

StoredRow stored(const NewRow& row) {
  return {.offset = row.offset,
          .timestamp = row.timestamp,
          .key = row.key,
          .value = row.value,
          .headers = row.headers,
          .crc = row.crc};
}

NewRow a_row() {
  Outgoing record{.topic = "t", .partition = 0, .key = "key", .value = "value"};
  record.headers = {{"name", "text"}, {"none", std::nullopt}};
  return row_of(1, WallTime{}, std::move(record));
}

}  // namespace

TEST_CASE("headers come back as they were encoded") {
  SeededRandom random{test_seed()};
  std::vector<HeaderView> views;

  for (int i = 0; i < 3000; ++i) {
    const auto headers = random_headers(random);
    const auto bytes = encode_headers(headers);

    REQUIRE(decode_headers(bytes, views));
    REQUIRE(same(headers, views));
  }
}

TEST_CASE("no headers are no bytes and an absent value is not an empty one") {
  const Headers absent = {{"a", std::nullopt}};
  const Headers empty = {{"a", ""}};

  CHECK(encode_headers({}).empty());
  CHECK(encode_headers(absent) != encode_headers(empty));
}

TEST_CASE("garbage is refused or is exactly what its headers encode to") {
  SeededRandom random{test_seed()};
  std::vector<HeaderView> views;
  int refused = 0;

  for (int i = 0; i < 20'000; ++i) {
    std::string bytes = random.one_in(2) ? random_text(random, 40) : encode_headers(random_headers(random));
    if (!bytes.empty()) bytes[random.below(bytes.size())] = static_cast<char>(random.below(256));
    if (random.one_in(3)) bytes.resize(random.below(bytes.size() + 1));

    if (decode_headers(bytes, views)) {
      REQUIRE(encode_headers(owned(views)) == bytes);
    } else {
      REQUIRE(views.empty());
      ++refused;
    }
  }

  CHECK(refused > 1000);
}

TEST_CASE("lengths that are too long or not in their shortest form are refused") {
  std::vector<HeaderView> views;
  using namespace std::string_literals;

  CHECK_FALSE(decode_headers("\x05"s, views));                          // a name that isn't there
  CHECK_FALSE(decode_headers("\x01"s, views));                          // nor its only byte
  CHECK_FALSE(decode_headers("\x01n"s, views));                         // no length of a value
  CHECK_FALSE(decode_headers("\x01n\x03v"s, views));                    // half a value
  CHECK_FALSE(decode_headers("\x81\x00n\x00"s, views));                 // 1 in two bytes
  CHECK_FALSE(decode_headers("\xff\xff\xff\xff\xff\xff\xff"s, views));  // a length without end
  CHECK(decode_headers("\x01n\x02v"s, views));
}

TEST_CASE("an untouched row is a sound record") {
  const auto row = a_row();
  std::vector<HeaderView> scratch;

  const auto from_file = record_of(stored(row), scratch);
  const auto from_memory = record_of(row, scratch);

  for (const auto* record : {&from_file, &from_memory}) {
    CHECK_FALSE(record->is_poison());
    CHECK(record->key() == "key");
    CHECK(record->value() == "value");
    REQUIRE(record->headers().size() == 2);
    CHECK(record->headers()[0] == HeaderView{"name", "text"});
    CHECK(record->headers()[1] == HeaderView{"none", std::nullopt});
  }
}

TEST_CASE("every flipped bit of key and value and headers and checksum is poison with the raw bytes") {
  const auto sound = a_row();
  std::vector<HeaderView> scratch;

  for (int part = 0; part < 3; ++part) {
    const auto bits = (part == 0 ? sound.key->size() : part == 1 ? sound.value->size() : sound.headers.size()) * 8;
    for (std::size_t bit = 0; bit < bits; ++bit) {
      auto row = sound;
      auto& bytes = part == 0 ? *row.key : part == 1 ? *row.value : row.headers;
      bytes[bit / 8] = static_cast<char>(bytes[bit / 8] ^ (1 << (bit % 8)));

      const auto record = record_of(stored(row), scratch);

      CAPTURE(part);
      CAPTURE(bit);
      REQUIRE(record.is_poison());
      CHECK(record.key() == row.key);
      CHECK(record.value() == row.value);
      if (record.damage() == "headers") {
        CHECK(record.raw_headers() == row.headers);
        CHECK(record.headers().empty());
      } else {
        CHECK(record.damage() == "checksum");
      }
    }
  }
  for (unsigned bit = 0; bit < 32; ++bit) {
    auto row = sound;
    row.crc ^= 1U << bit;
    CHECK(record_of(stored(row), scratch).damage() == "checksum");
  }
}

TEST_CASE("a null that became empty is poison") {
  auto row = row_of(1, WallTime{}, Outgoing{.topic = "t", .partition = 0, .key = {}, .value = {}});
  std::vector<HeaderView> scratch;

  row.value = "";

  CHECK(record_of(stored(row), scratch).is_poison());
}

TEST_CASE("a row without a checksum is sound") {
  const auto row = a_row();
  std::vector<HeaderView> scratch;
  auto foreign = stored(row);

  foreign.crc = {};

  CHECK_FALSE(record_of(foreign, scratch).is_poison());
}

TEST_CASE("the payload counts key and value and names and values of headers") {
  Outgoing record{.topic = "t", .partition = 0, .key = "12", .value = "345"};
  record.headers = {{"67", "8"}, {"9", std::nullopt}};

  CHECK(payload_bytes(record) == 9);
  CHECK(payload_bytes(Outgoing{.topic = "t", .partition = 0, .key = {}, .value = {}}) == 0);
}

}  // namespace sluice::log
