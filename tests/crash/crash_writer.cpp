// Writes to an embedded log and its tables from many tasks, says each acknowledgement, and goes on until it is killed.
//   crash_writer FILE NUMBER…   the next number of each input partition
#include <chrono>
#include <cstdlib>
#include <map>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <unistd.h>

#include "common/async/clock_real.hpp"
#include "common/async/scope.hpp"
#include "common/base/ensure.hpp"
#include "common/db/sqlite_database.hpp"
#include "common/log/sqlite_log.hpp"
#include "tests/crash/crash_load.hpp"
#include "tests/support/run.hpp"

namespace sluice::crash {

namespace {

using namespace log;
using namespace std::chrono_literals;

void say(Said said) {
  const auto written = write(STDOUT_FILENO, &said, sizeof said);  // short enough to be written whole or not at all
  if (written != sizeof said) std::exit(2);
}

template <class T>
T must(Result<T> result) {
  if (result) return std::move(*result);
  fmt::print(stderr, "{}\n", result.error().sentence);
  std::exit(3);
}
void must(Done done) {
  if (done) return;
  fmt::print(stderr, "{}\n", done.error().sentence);
  std::exit(3);
}

class Writer {
 public:
  Writer(Loop& loop, RealClock& clock, SqliteLog& log, db::Database& database, std::vector<std::int64_t> numbers)
      : loop_(loop), clock_(clock), log_(log), database_(database), next_(std::move(numbers)) {}

  Task<> work() {
    co_await prepare();
    say({});
    constexpr int tasks_per_partition = 6;
    Scope scope{loop_};
    for (std::int32_t partition = 0; partition < partitions; ++partition) {
      for (int i = 0; i < tasks_per_partition; ++i) scope.start(append(partition));
    }
    scope.start(copy());
    scope.start(watch());
    scope.start(age());
    co_await scope.join();
  }

 private:
  Task<> prepare() {
    std::vector<TopicSpec> specs;
    specs.push_back({.name = std::string{input}, .partitions = partitions});
    specs.push_back({.name = std::string{output}, .partitions = partitions});
    specs.push_back({.name = std::string{aging}, .partitions = 1, .retention = 1min});
    must(co_await log_.create_topics(std::move(specs)));
    db::Batch tables;
    tables.statements.push_back({copied_table});
    tables.statements.push_back({total_table});
    must(co_await database_.run(std::move(tables)));
  }

  // The number is taken and the append begun without a pause in between, so numbers stand in the order of the log.
  Task<> append(std::int32_t partition) {
    while (true) {
      const auto number = next_[static_cast<std::size_t>(partition)]++;
      std::vector<Outgoing> one;
      one.push_back({.topic = std::string{input}, .partition = partition, .key = "key", .value = value_of(number)});
      const auto offsets = must(co_await log_.append(std::move(one)));
      say({Said::What::appended, partition, number, offsets.front()});
    }
  }

  Task<std::unique_ptr<Consumer>> read_input(std::string_view group) {
    Subscription subscription{.group = std::string{group}, .topics = {}, .batch_records_max = 20};
    subscription.topics.emplace_back(input);
    co_return must(co_await log_.subscribe(std::move(subscription)));
  }

  Task<> copy() {
    const auto consumer = co_await read_input(copy_group);
    while (true) {
      const auto notice = co_await consumer->next();
      const auto* records = std::get_if<Records>(&notice);
      if (records == nullptr) continue;
      co_await copy(*records);
    }
  }

  Task<> copy(const Records& records) {
    const auto partition = records.partition.number;
    std::vector<Outgoing> outputs;
    db::Batch changes;
    for (const auto& record : records.records) {
      outputs.push_back({.topic = std::string{output},
                         .partition = partition,
                         .key = "key",
                         .value = std::string{record.value().value_or("")}});
      changes.statements.push_back({insert_copied, {std::int64_t{partition}, number_in(*record.value())}});
      changes.statements.push_back({raise_total, {std::int64_t{partition}}});
    }
    const auto watermark = records.records.back().offset() + 1;
    std::vector<Commit> commits;
    commits.push_back({records.partition, records.epoch, watermark, fmt::format("at {}", watermark)});
    must(co_await log_.append_atomically(std::move(outputs), std::move(changes), std::move(commits)));
    say({Said::What::copied, partition, 0, watermark});
  }

  Task<> watch() {
    const auto consumer = co_await read_input(watch_group);
    while (true) {
      const auto notice = co_await consumer->next();
      const auto* records = std::get_if<Records>(&notice);
      if (records == nullptr) continue;
      const auto watermark = records->records.back().offset() + 1;
      std::vector<Commit> commits;
      commits.push_back({records->partition, records->epoch, watermark, fmt::format("at {}", watermark)});
      must(co_await consumer->commit(std::move(commits)));
      say({Said::What::watched, records->partition.number, 0, watermark});
    }
  }

  Task<> age() {
    while (true) {
      std::vector<Outgoing> some;
      for (int i = 0; i < 20; ++i) {
        some.push_back({.topic = std::string{aging}, .partition = 0, .key = {}, .value = "old"});
        some.back().timestamp = clock_.wall() - 1h;
      }
      const auto offsets = must(co_await log_.append(std::move(some)));
      say({Said::What::aged, 0, 0, offsets.back()});
      must(co_await log_.retain_once());
    }
  }

  Loop& loop_;
  RealClock& clock_;
  SqliteLog& log_;
  db::Database& database_;
  std::vector<std::int64_t> next_;
};

void run(const char* path, std::vector<std::int64_t> numbers) {
  Loop loop;
  RealClock clock{loop};
  const auto file = must(db::SqliteFile::open(path));
  db::SqliteDatabase database{*file};
  const auto log = must(SqliteLog::open(*file, loop, clock, {.retention_step_rows_max = 10, .free_pages_max = 0}));
  Writer writer{loop, clock, *log, database, std::move(numbers)};
  run_task(loop, writer.work());
}

}  // namespace

}  // namespace sluice::crash

int main(int count, char** arguments) {
  ENSURE(count == 2 + sluice::crash::partitions, "a file and a number for each partition");
  std::vector<std::int64_t> numbers;
  for (int i = 2; i < count; ++i) numbers.push_back(std::atoll(arguments[i]));
  sluice::crash::run(arguments[1], std::move(numbers));
}
