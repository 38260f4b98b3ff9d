// SqliteLog beside a bare SQLite loop that writes the same rows into the same table with the same index.
#include <sqlite3.h>

#include <string>

#include "common/async/clock_real.hpp"
#include "common/async/scope.hpp"
#include "common/log/sqlite_log.hpp"
#include "tests/bench/bare_sqlite.hpp"
#include "tests/bench/bench.hpp"
#include "tests/support/folder.hpp"
#include "tests/support/run.hpp"

namespace sluice::bench {
namespace {

constexpr int partitions = 32;
constexpr int callers = 512;
constexpr int records = 51'200;
constexpr int records_one_by_one = 1'000;
const std::string value(1'000, 'v');
const std::string key = "default|whatsapp:+31000000000|whatsapp:+31000000001";

log::Outgoing outgoing(int i) {
  return {.topic = "bench.inbound",
          .partition = i % partitions,
          .key = key,
          .value = value,
          .headers = {{"ce_id", "0123456789abcdef"}}};
}

struct OurLog {
  TempFolder folder;
  Loop loop;
  RealClock clock{loop};
  std::unique_ptr<db::SqliteFile> file = db::SqliteFile::open(folder / "log.db").value();
  std::unique_ptr<log::SqliteLog> log = log::SqliteLog::open(*file, loop, clock).value();

  OurLog() {
    ENSURE(run_task(loop, log->create_topics({{.name = "bench.inbound", .partitions = partitions}})).has_value(),
           "the topic is made");
  }
  ~OurLog() { run_task(loop, log->close()); }
  OurLog(const OurLog&) = delete;
  OurLog& operator=(const OurLog&) = delete;
};

Task<> call(log::Log& log, int from, int count) {
  for (int i = 0; i < count; ++i) {
    std::vector<log::Outgoing> one;
    one.push_back(outgoing(from + i));
    auto stored = co_await log.append(std::move(one));
    stored.value();
  }
}

Task<> call_all(Loop& loop, log::Log& log) {
  Scope scope{loop};
  for (int caller = 0; caller < callers; ++caller) scope.start(call(log, caller, records / callers));
  co_await scope.join();
}

double our_rate() {
  OurLog ours;
  return records / seconds_of([&] { run_task(ours.loop, call_all(ours.loop, *ours.log)); });
}

void write_in_groups(BareSqlite& bare) {
  constexpr int rows_per_commit = 128;
  for (int i = 0; i < records; i += rows_per_commit) {
    bare.begin();
    for (int row = 0; row < rows_per_commit; ++row) bare.insert_record((i + row) % partitions, key, value);
    bare.commit();
  }
}

double bare_rate() {
  const TempFolder folder;
  BareSqlite bare{folder / "bare.db"};
  bare.make_record_table();
  return records / seconds_of([&] { write_in_groups(bare); });
}

Task<std::vector<double>> latencies(log::Log& log) {
  std::vector<double> micros;
  for (int i = 0; i < records_one_by_one; ++i) {
    const auto start = std::chrono::steady_clock::now();
    co_await call(log, i, 1);
    micros.push_back(std::chrono::duration<double, std::micro>(std::chrono::steady_clock::now() - start).count());
  }
  co_return micros;
}

// A commit that makes the WAL longer costs a third more than one that goes over what is there, and it grows only once:
// both are measured after that.
double our_latency() {
  OurLog ours;
  run_task(ours.loop, call_all(ours.loop, *ours.log));
  return median(run_task(ours.loop, latencies(*ours.log)));
}

double bare_latency() {
  const TempFolder folder;
  BareSqlite bare{folder / "bare.db"};
  bare.make_record_table();
  write_in_groups(bare);
  std::vector<double> micros;
  for (int i = 0; i < records_one_by_one; ++i) {
    micros.push_back(1e6 * seconds_of([&] {
                       bare.begin();
                       bare.insert_record(i % partitions, key, value);
                       bare.commit();
                     }));
  }
  return median(micros);
}

}  // namespace

void sqlite_bench(Report& report) {
  report.run({.name = "sqlite append 1 KB, 512 callers",
              .unit = "/s",
              .goal = ">= 0.7 x bare, 128 rows/commit",
              .ours = our_rate,
              .baseline = bare_rate});
  report.run({.name = "sqlite append latency p50, one at a time",
              .unit = "us",
              .goal = "<= 1.3 x bare",
              .ours = our_latency,
              .baseline = bare_latency});
}

}  // namespace sluice::bench
