// One consumer in one partition: nothing skipped, nothing doubled, whatever happens between fetching and delivering.
#include <doctest/doctest.h>

#include "common/log/sqlite_cursor.hpp"
#include "tests/support/world.hpp"

namespace sluice::log {

namespace {

std::vector<Record> records(Offset from, Offset to) {
  std::vector<Record> records;
  for (Offset offset = from; offset < to; ++offset) {
    Record::Parts parts;
    parts.offset = offset;
    parts.value = "v";
    records.emplace_back(parts);
  }
  return records;
}

struct CursorScene {
  std::atomic<Offset> end{10};
  Cursor cursor{{.partition = {"t", 3}, .epoch = 7, .committed = Committed{4, {}}}, 1, end};
};

std::optional<Offset> end_told(Cursor& cursor) {
  const auto notice = cursor.take();
  if (!notice || !std::holds_alternative<ReachedEnd>(*notice)) return std::nullopt;
  return std::get<ReachedEnd>(*notice).end;
}

}  // namespace

TEST_CASE("a cursor starts at the watermark and delivers under its epoch") {
  CursorScene scene;

  CHECK(scene.cursor.next() == 4);
  CHECK(scene.cursor.is_hungry());
  scene.cursor.accept(records(4, 7), {});
  const auto notice = scene.cursor.take();

  REQUIRE(notice.has_value());
  const auto& told = std::get<Records>(*notice);
  CHECK(told.partition == Partition{"t", 3});
  CHECK(told.epoch == 7);
  CHECK(told.records.size() == 3);
  CHECK(scene.cursor.next() == 7);
}

TEST_CASE("a cursor without a commit starts at the beginning") {
  const std::atomic<Offset> end{1};
  const Cursor cursor{{.partition = {"t", 0}, .epoch = 1, .committed = {}}, 1, end};

  CHECK(cursor.next() == 0);
}

TEST_CASE("the end is told once for each time it is reached") {
  CursorScene scene;
  CHECK_FALSE(scene.cursor.has_news());

  scene.cursor.accept(records(4, 10), {});
  CHECK(std::holds_alternative<Records>(*scene.cursor.take()));
  CHECK(end_told(scene.cursor) == 10);
  CHECK_FALSE(scene.cursor.take().has_value());
  scene.end = 11;
  CHECK_FALSE(scene.cursor.has_news());
  CHECK(scene.cursor.is_hungry());
  scene.cursor.accept(records(10, 11), {});
  CHECK(std::holds_alternative<Records>(*scene.cursor.take()));

  CHECK(end_told(scene.cursor) == 11);
}

TEST_CASE("a stretch without records leads to the end") {
  CursorScene scene;

  scene.cursor.accept({}, 10);

  CHECK(end_told(scene.cursor) == 10);
}

TEST_CASE("records above the known end are delivered and the end is theirs") {
  CursorScene scene;

  scene.cursor.accept(records(4, 12), 10);
  CHECK(std::holds_alternative<Records>(*scene.cursor.take()));

  CHECK(end_told(scene.cursor) == 12);
  scene.end = 12;
  CHECK_FALSE(scene.cursor.has_news());
}

TEST_CASE("a pause lets go of what was fetched and fetches it again") {
  CursorScene scene;
  scene.cursor.accept(records(4, 7), {});

  scene.cursor.pause();
  const bool silent = !scene.cursor.take().has_value() && !scene.cursor.is_hungry() && !scene.cursor.has_news();
  const auto held = scene.cursor.held_records() + scene.cursor.held_bytes();
  scene.cursor.resume();

  CHECK(silent);
  CHECK(held == 0);
  CHECK(scene.cursor.is_hungry());
  CHECK(scene.cursor.next() == 4);
}

TEST_CASE("an answer to a question from before a pause is not accepted") {
  CursorScene scene;
  const auto asked = scene.cursor.ask();
  CHECK_FALSE(scene.cursor.is_hungry());

  scene.cursor.pause();
  scene.cursor.resume();

  CHECK_FALSE(scene.cursor.is_answer(asked));
  CHECK(scene.cursor.is_hungry());
  const auto again = scene.cursor.ask();
  CHECK(scene.cursor.is_answer(again));
}

TEST_CASE("a revoked cursor is silent for ever") {
  CursorScene scene;
  scene.cursor.accept(records(4, 10), {});

  scene.cursor.revoke();
  scene.cursor.resume();

  CHECK_FALSE(scene.cursor.take().has_value());
  CHECK_FALSE(scene.cursor.is_hungry());
}

// Fetching, delivering, pausing, growing in any order: what is delivered is every offset once, in order.
TEST_CASE("whatever the order of events every record is delivered once") {
  SimulatedWorld world;
  for (int run = 0; run < 300; ++run) {
    std::atomic<Offset> end{0};
    Cursor cursor{{.partition = {"t", 0}, .epoch = 1, .committed = {}}, 1, end};
    Offset expected = 0;
    std::optional<std::pair<std::uint64_t, Offset>> asked;
    bool paused = false;
    for (int step = 0; step < 400 || expected < end; ++step) {
      switch (step < 400 ? world.random.below(6) : 1 + static_cast<std::uint64_t>(step) % 4) {
        case 0:
          end += static_cast<Offset>(world.random.below(5));
          break;
        case 1:
          if (!asked && cursor.is_hungry()) asked = {cursor.ask(), cursor.next()};
          break;
        case 2:
          if (asked && cursor.is_answer(asked->first)) {
            const auto to = std::min<Offset>(end, asked->second + 1 + static_cast<Offset>(world.random.below(4)));
            cursor.accept(records(asked->second, to), {});
          }
          asked.reset();
          break;
        case 3: {
          auto notice = cursor.take();
          CHECK_FALSE((paused && notice.has_value()));
          if (!notice || !std::holds_alternative<Records>(*notice)) break;
          for (const auto& record : std::get<Records>(*notice).records) REQUIRE(record.offset() == expected++);
          break;
        }
        case 4:
          cursor.resume();
          paused = false;
          break;
        default:
          cursor.pause();
          paused = true;
      }
    }
    CHECK(expected == end);
  }
}

}  // namespace sluice::log
