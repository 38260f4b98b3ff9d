// The engine on the embedded world: beside the log alone, with the journal and without, and how it stands with many
// waiting.
#include <algorithm>
#include <cstdio>

#include <unistd.h>

#include <fmt/format.h>

#include "common/base/ensure.hpp"
#include "common/store/parked_heads.hpp"
#include "common/store/schedule.hpp"
#include "tests/bench/bench.hpp"
#include "tests/bench/engine_load.hpp"
#include "workers/engine/lane.hpp"

namespace sluice::bench {
namespace {

constexpr int events = 40'000;
constexpr int conversations = 1'000;

engine::EngineLimits with_journal(bool on) {
  engine::EngineLimits limits;
  limits.journal = on;
  return limits;
}

// Events a second of processor time, from joining the group to having left it. Not of the clock: where others use the
// machine, a reader of three threads gets more of it than a loop of one.
double engine_rate(const BenchHandler::Work& work, bool journal) {
  EmbeddedLoad load;
  load.fill(load.topics.main, events, conversations);
  return events / cpu_seconds_of([&] {
           load.start(work, with_journal(journal));
           load.until([&] { return load.figures().finished >= events; });
           load.stop();  // what waits for the journal's next batch belongs to it
         });
}

// Reads everything and commits each delivery, with one record for each that was read when outputs are wanted.
Task<> the_log_alone(EmbeddedLoad& load, const std::vector<log::Outgoing>& outputs) {
  auto subscribed = co_await load.log->subscribe({.group = "bench", .topics = {load.topics.main, load.topics.retry}});
  auto consumer = std::move(*subscribed);
  std::size_t seen = 0;
  while (seen < events) {
    auto notice = co_await consumer->next();
    const auto* batch = std::get_if<log::Records>(&notice);
    if (batch == nullptr) continue;
    std::vector<log::Commit> commits;
    commits.push_back(
        {.partition = batch->partition, .epoch = batch->epoch, .watermark = batch->records.back().offset() + 1});
    std::vector<log::Outgoing> records;
    for (std::size_t i = 0; i < batch->records.size() && !outputs.empty(); ++i) records.push_back(outputs[seen + i]);
    seen += batch->records.size();
    if (outputs.empty()) {
      auto committed = co_await consumer->commit(std::move(commits));
      ENSURE(committed.has_value(), "the commit is stored");
    } else {
      auto appended = co_await load.log->append_atomically(std::move(records), {}, std::move(commits));
      ENSURE(appended.has_value(), "the records are stored");
    }
  }
  consumer->close();
  while (true) {
    auto notice = co_await consumer->next();
    if (const auto* revoking = std::get_if<log::Revoking>(&notice)) consumer->release(revoking->partitions);
    if (std::holds_alternative<log::Closed>(notice)) co_return;
  }
}

double log_rate(bool outputs) {
  EmbeddedLoad load;
  load.fill(load.topics.main, events, conversations);
  std::vector<log::Outgoing> made;
  for (int n = 0; n < events && outputs; ++n)
    made.push_back(event_record(bench_message(n, conversations), event::main_topic_of("sluice", "send")));
  return events / cpu_seconds_of([&] { run_task(load.loop, the_log_alone(load, made)); });
}

double slow_handlers() {
  constexpr int slow_events = 10'000;
  EmbeddedLoad load;
  load.fill(load.topics.main, slow_events, conversations);
  return seconds_of([&] {
    load.start(after(std::chrono::milliseconds{50}), with_journal(true));
    load.until([&] { return load.figures().finished >= slow_events; });
  });
}

// One conversation of many hangs for as long as the others need.
double with_one_that_hangs(bool hangs) {
  constexpr int all = 10'000;
  constexpr int people = 100;
  EmbeddedLoad load;
  load.fill(load.topics.main, all, people);
  const std::string patient = event::text_of(bench_message(0, people).key);
  const auto quick = after(std::chrono::milliseconds{5});
  const auto slow = after(std::chrono::seconds{600});
  const double seconds = seconds_of([&] {
    load.start(
        [&](const event::Event& event, engine::Attempt& attempt) {
          return hangs && event::text_of(event.key) == patient ? slow(event, attempt) : quick(event, attempt);
        },
        with_journal(true));
    load.until([&] { return load.figures().finished >= all - all / people; });
  });
  return seconds;
}

// Nineteen tenants with their share of messages, and until when all of these are done while a twentieth sends as many
// in as few conversations as one of them has.
double with_one_that_floods(bool floods) {
  constexpr int others = 19;
  constexpr int people = 25;  // of each tenant
  constexpr int each = 500;   // messages
  const auto flooder = event::Tenant::parse("flood").value();
  EmbeddedLoad load;
  for (int n = 0; n < each; ++n) {
    std::vector<log::Outgoing> batch;
    for (int tenant = 0; tenant < others; ++tenant) {
      const auto whose = event::Tenant::parse(fmt::format("tenant-{}", tenant)).value();
      batch.push_back(event_record(bench_message(n, people, whose), load.topics.main));
      if (floods) batch.push_back(event_record(bench_message(n * others + tenant, people, flooder), load.topics.main));
    }
    run_task(load.loop, load.log->append(std::move(batch))).value();
  }
  int done = 0;
  const auto work = after(std::chrono::milliseconds{50});
  return seconds_of([&] {
    load.start(
        [&](const event::Event& event, engine::Attempt& attempt) {
          if (event.tenant != flooder) ++done;
          return work(event, attempt);
        },
        with_journal(true));
    load.until([&] { return done == others * each; });
  });
}

// What was freed and not yet given back counts, too.
double resident_kilobytes() {
  long pages = 0;
  long resident = 0;
  std::FILE* file = std::fopen("/proc/self/statm", "r");
  ENSURE(file != nullptr && std::fscanf(file, "%ld %ld", &pages, &resident) == 2, "the process knows its size");
  std::fclose(file);
  return static_cast<double>(resident) * static_cast<double>(::sysconf(_SC_PAGESIZE)) / 1024;
}

double waiting_handlers() {
  constexpr int waiting = 5'000;
  EmbeddedLoad load;
  bool released = false;
  Signal release;
  auto limits = with_journal(true);
  limits.handler_max = std::chrono::hours{1};
  load.start(
      [&](const event::Event&, engine::Attempt&) -> Task<engine::Outcome> {
        return [](bool& over, Signal& signal) -> Task<engine::Outcome> {
          while (!over) co_await signal.wait();
          co_return engine::Outcome{engine::Done{}};
        }(released, release);
      },
      limits);
  load.until([&] { return load.figures().pairs == event::partitions_per_topic; });
  run_task(load.loop, load.clock.sleep_for(std::chrono::milliseconds{200}));
  const double idle = resident_kilobytes();
  load.fill(load.topics.main, waiting, waiting);
  load.until([&] { return load.figures().running == waiting; });
  run_task(load.loop, load.clock.sleep_for(std::chrono::milliseconds{500}));
  const double each = (resident_kilobytes() - idle) / waiting;
  released = true;
  release.notify_all();
  load.until([&] { return load.figures().finished >= waiting; });
  return each;
}

double percentile(std::vector<double> values, double share) {
  ENSURE(!values.empty(), "there is something to rank");
  std::sort(values.begin(), values.end());
  return values[std::min(values.size() - 1, static_cast<std::size_t>(share * static_cast<double>(values.size())))];
}

struct Waited {
  double bytes_each = 0;
  double late_p99 = 0;  // seconds
};

constexpr int heads = 10'000;
constexpr std::chrono::seconds spread{10};  // over which they become due

Task<> read_all(EmbeddedLoad& load, const std::string& topic) {
  for (std::int32_t number = 0; number < event::partitions_per_topic; ++number) {
    for (log::Offset from = 0;;) {
      auto read = co_await load.log->read({topic, number}, from, {});
      if (!read || read->empty()) break;
      from = read->back().offset() + 1;
    }
  }
}

// A million parked events of 10,000 conversations, whose heads become due one after the other and fail again.
Waited parked_million() {
  constexpr int parked = 1'000'000;
  constexpr std::chrono::seconds reading_takes{60};
  EmbeddedLoad load;
  load.fill(load.topics.retry, parked, heads);
  run_task(load.loop, read_all(load, load.topics.retry));  // the database's own caches are full before and after
  const double idle = resident_kilobytes();

  std::map<std::string, WallTime> due;
  const WallTime first = load.clock.wall() + reading_takes;
  for (int n = 0; n < heads;) {
    db::Batch batch;
    for (int i = 0; i < 500; ++i, ++n) {
      const auto event = bench_message(n, heads);
      const auto at = first + std::chrono::milliseconds{spread} * n / heads;
      due.emplace(event.id.text(), at);
      batch.statements.push_back(store::keep_parked_head(
          {.pool = "classify",
           .partition = event::partition_of(event::text_of(event.key), event::partitions_per_topic),
           .lane = static_cast<std::int64_t>(engine::lane_of(event.key)),
           .tenant = event.tenant.text(),
           .event = event.id.text(),
           .tries = 3,
           .since = load.clock.wall(),
           .due = at,
           .why = "bench"}));
    }
    run_task(load.loop, load.database->run(std::move(batch))).value();
  }
  std::vector<double> late;
  load.start(
      [&](const event::Event& event, engine::Attempt& attempt) -> Task<engine::Outcome> {
        late.push_back(std::chrono::duration<double>(attempt.clock().wall() - due.at(event.id.text())).count());
        return [](std::chrono::hours wait) -> Task<engine::Outcome> {
          co_return engine::Outcome{engine::Later{{Kind::unavailable, "not yet", wait}}};
        }(std::chrono::hours{10});
      },
      with_journal(true));
  load.until([&] { return load.figures().parked_events >= parked; });
  run_task(load.loop, load.clock.sleep_for(std::chrono::seconds{1}));
  ENSURE(load.clock.wall() < first, "all are read before the first is due");
  const double bytes = (resident_kilobytes() - idle) * 1024 / parked;
  load.until([&] { return late.size() >= heads; });
  return {.bytes_each = bytes, .late_p99 = percentile(late, 0.99)};
}

// 100,000 pending, a tenth of which becomes due within the next seconds.
Waited scheduled() {
  constexpr int pending = 100'000;
  EmbeddedLoad load;
  std::map<std::string, WallTime> due;
  const WallTime first = load.clock.wall() + std::chrono::seconds{20};
  for (int n = 0; n < pending;) {
    db::Batch batch;
    for (int i = 0; i < 500; ++i, ++n) {
      const auto event = bench_message(n, pending);
      const bool soon = n < heads;
      const WallTime at = soon ? first + std::chrono::milliseconds{spread} * n / heads : first + std::chrono::hours{24};
      if (soon) due.emplace(event.id.text(), at);
      batch.statements.push_back(store::schedule_row("classify", event, event::encode(event).value(), at));
    }
    run_task(load.loop, load.database->run(std::move(batch))).value();
  }
  const double idle = resident_kilobytes();
  std::vector<double> late;
  const auto done = no_outputs();
  load.start(
      [&](const event::Event& event, engine::Attempt& attempt) -> Task<engine::Outcome> {
        late.push_back(std::chrono::duration<double>(attempt.clock().wall() - due.at(event.id.text())).count());
        return done(event, attempt);
      },
      with_journal(true));
  run_task(load.loop, load.clock.sleep_for(std::chrono::seconds{2}));
  ENSURE(load.clock.wall() < first, "all are stored before the first is due");
  const double bytes = (resident_kilobytes() - idle) * 1024 / pending;
  load.until([&] { return late.size() >= heads; });
  return {.bytes_each = bytes, .late_p99 = percentile(late, 0.99)};
}

void waiting_bench(Report& report) {
  constexpr std::string_view parked_bytes = "engine 1,000,000 parked, memory each";
  constexpr std::string_view parked_late = "engine 1,000,000 parked, late at p99";
  if (report.wants(parked_bytes) || report.wants(parked_late)) {
    const auto parked = parked_million();
    report.once(
        {.name = std::string{parked_bytes}, .unit = "B", .goal = "<= 64 B", .ours = [&] { return parked.bytes_each; }});
    report.once(
        {.name = std::string{parked_late}, .unit = "s", .goal = "<= 1 s", .ours = [&] { return parked.late_p99; }});
  }
  constexpr std::string_view scheduled_bytes = "engine 100,000 scheduled, memory each";
  constexpr std::string_view scheduled_late = "engine 100,000 scheduled, late at p99";
  if (report.wants(scheduled_bytes) || report.wants(scheduled_late)) {
    const auto waited = scheduled();
    report.once({.name = std::string{scheduled_bytes}, .unit = "B", .goal = "nothing: they are rows", .ours = [&] {
                   return waited.bytes_each;
                 }});
    report.once(
        {.name = std::string{scheduled_late}, .unit = "s", .goal = "<= 1 s", .ours = [&] { return waited.late_p99; }});
  }
}

}  // namespace

void engine_bench(Report& report) {
  report.run({.name = "engine no-op, no outputs",
              .unit = "/CPU s",
              .goal = ">= 0.5 x the log alone",
              .ours = [] { return engine_rate(no_outputs(), false); },
              .baseline = [] { return log_rate(false); }});
  report.run({.name = "engine no-op, one output",
              .unit = "/CPU s",
              .goal = ">= 0.5 x the log alone",
              .ours = [] { return engine_rate(one_output(), false); },
              .baseline = [] { return log_rate(true); }});
  report.run({.name = "engine journal, no outputs",
              .unit = "/CPU s",
              .goal = ">= 0.75 x without it",
              .ours = [] { return engine_rate(no_outputs(), true); },
              .baseline = [] { return engine_rate(no_outputs(), false); }});
  report.run({.name = "engine journal, one output",
              .unit = "/CPU s",
              .goal = ">= 0.75 x without it",
              .ours = [] { return engine_rate(one_output(), true); },
              .baseline = [] { return engine_rate(one_output(), false); }});
  report.run({.name = "engine 10,000 events of 50 ms, 1,000 lanes",
              .unit = "s",
              .goal = "<= 1.3 x the ideal",
              .ours = slow_handlers,
              .baseline = [] { return 0.5; }});
  report.run({.name = "engine others while one handler hangs",
              .unit = "s",
              .goal = "<= 1.5 x without it",
              .ours = [] { return with_one_that_hangs(true); },
              .baseline = [] { return with_one_that_hangs(false); }});
  report.run({.name = "engine others while one tenant of 20 floods",
              .unit = "s",
              .goal = "<= 1.5 x without it",
              .ours = [] { return with_one_that_floods(true); },
              .baseline = [] { return with_one_that_floods(false); }});
  report.run(
      {.name = "engine 5,000 handlers waiting, each", .unit = "KB", .goal = "<= 12 KB", .ours = waiting_handlers});
  waiting_bench(report);
}

}  // namespace sluice::bench
