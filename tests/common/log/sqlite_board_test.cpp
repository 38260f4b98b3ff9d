// How far partitions reach, who is told, and what is kept in memory of what was just written.
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "common/log/sqlite_board.hpp"

namespace sluice::log {

namespace {

class Counter final : public Watcher {
 public:
  void grown() override { ++times; }
  int times = 0;
};

std::shared_ptr<NewRow> row(PartitionId partition, Offset offset, std::size_t value_bytes = 10) {
  auto row = std::make_shared<NewRow>();
  row->partition = partition;
  row->offset = offset;
  row->value = std::string(value_bytes, 'v');
  return row;
}

void publish(SqliteBoard& board, std::vector<std::shared_ptr<NewRow>> rows) {
  board.publish(rows);
}

std::vector<Offset> fresh(const SqliteBoard& board, PartitionId partition, Offset from, ReadLimits limits = {}) {
  std::vector<Offset> offsets;
  for (const auto& each : board.fresh(partition, from, limits)) offsets.push_back(each->offset);
  return offsets;
}

using Offsets = std::vector<Offset>;
constexpr std::size_t plenty = 1'000'000;

}  // namespace

TEST_CASE("the end is one above the newest row of the partition") {
  SqliteBoard board{plenty};
  board.add(1, 0);
  board.add(2, 17);
  board.add(2, 3);

  publish(board, {row(1, 20), row(1, 22)});

  CHECK(board.end_of(1) == 23);
  CHECK(board.end_of(2) == 17);
}

TEST_CASE("a watcher is told of its partitions and of no others") {
  SqliteBoard board{plenty};
  board.add(1, 0);
  board.add(2, 0);
  Counter watcher;
  board.watch(1, watcher);

  publish(board, {row(2, 0)});
  const auto of_another = watcher.times;
  publish(board, {row(1, 1)});
  const auto of_its_own = watcher.times;
  board.unwatch(1, watcher);
  publish(board, {row(1, 2)});

  CHECK(of_another == 0);
  CHECK(of_its_own == 1);
  CHECK(watcher.times == 1);
}

TEST_CASE("rows are fresh from the first that was published under watch") {
  SqliteBoard board{plenty};
  board.add(1, 0);
  publish(board, {row(1, 3)});
  Counter watcher;
  board.watch(1, watcher);

  publish(board, {row(1, 5), row(1, 8)});

  CHECK(fresh(board, 1, 3).empty());  // 3 is in the file only
  CHECK(fresh(board, 1, 4) == Offsets{5, 8});
  CHECK(fresh(board, 1, 6) == Offsets{8});
  CHECK(fresh(board, 1, 9).empty());
}

TEST_CASE("what nobody watches is not kept") {
  SqliteBoard board{plenty};
  board.add(1, 0);
  Counter watcher;
  board.watch(1, watcher);
  publish(board, {row(1, 0)});

  board.unwatch(1, watcher);
  board.watch(1, watcher);
  const auto forgotten = fresh(board, 1, 0);
  publish(board, {row(1, 1)});

  CHECK(forgotten.empty());
  CHECK(fresh(board, 1, 0).empty());
  CHECK(fresh(board, 1, 1) == Offsets{1});
}

TEST_CASE("above its bound the oldest rows of all partitions are forgotten first") {
  const auto bytes = row(1, 0, 1000)->bytes();
  SqliteBoard board{3 * bytes};
  board.add(1, 0);
  board.add(2, 0);
  Counter watcher;
  board.watch(1, watcher);
  board.watch(2, watcher);

  publish(board, {row(1, 0, 1000), row(2, 1, 1000), row(1, 2, 1000)});
  const auto all_there = fresh(board, 1, 0);
  publish(board, {row(2, 3, 1000)});

  CHECK(all_there == Offsets{0, 2});
  CHECK(fresh(board, 1, 0).empty());
  CHECK(fresh(board, 1, 1) == Offsets{2});
  CHECK(fresh(board, 2, 0) == Offsets{1, 3});
}

TEST_CASE("a row above the bound is not kept at all") {
  SqliteBoard board{100};
  board.add(1, 0);
  Counter watcher;
  board.watch(1, watcher);

  publish(board, {row(1, 0, 1000), row(1, 1, 1000)});

  CHECK(watcher.times > 0);
  CHECK(board.end_of(1) == 2);
  CHECK(fresh(board, 1, 0).empty());
  CHECK(fresh(board, 1, 1).empty());
}

TEST_CASE("fresh rows keep the limits but one is always given") {
  SqliteBoard board{plenty};
  board.add(1, 0);
  Counter watcher;
  board.watch(1, watcher);
  publish(board, {row(1, 0, 1000), row(1, 1, 1000), row(1, 2, 1000)});
  const auto bytes = row(1, 0, 1000)->bytes();

  CHECK(fresh(board, 1, 0, {.records_max = 2, .bytes_max = plenty}) == Offsets{0, 1});
  CHECK(fresh(board, 1, 0, {.records_max = 9, .bytes_max = 2 * bytes}) == Offsets{0, 1});
  CHECK(fresh(board, 1, 0, {.records_max = 9, .bytes_max = 1}) == Offsets{0});
}

}  // namespace sluice::log
