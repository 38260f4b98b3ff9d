// The writer: groups, savepoints, order, bounds, answers.
#include "common/db/sqlite_file.hpp"

#include <atomic>
#include <chrono>
#include <string>
#include <thread>
#include <vector>

#include <doctest/doctest.h>
#include <fmt/format.h>

#include "common/async/loop.hpp"
#include "tests/common/db/sqlite_jobs.hpp"
#include "tests/support/folder.hpp"

namespace sluice::db {
namespace {

constexpr const char* create = "CREATE TABLE t (n INTEGER PRIMARY KEY, who TEXT)";
constexpr const char* large_row = "INSERT INTO t (who) VALUES (hex(zeroblob(2000)))";
std::string insert(int n) {
  return fmt::format("INSERT INTO t (n) VALUES ({})", n);
}

struct Fixture {
  explicit Fixture(SqliteLimits limits = {}) : file(open_file(folder / "t.db", limits)) {
    const auto created = run_now(*file, create);
    REQUIRE(created.has_value());
  }
  [[nodiscard]] std::string rows() const { return seen_in(*file, "SELECT count(*) FROM t"); }
  [[nodiscard]] std::filesystem::path wal() const { return folder / "t.db-wal"; }

  TempFolder folder;
  std::unique_ptr<SqliteFile> file;
};

// Two readers of which one always reads: each begins before the other ends.
class Overlapping {
 public:
  explicit Overlapping(SqliteFile& file) : readers_{*file.open_reader(), *file.open_reader()} {
    REQUIRE(execute(readers_[1].get(), "BEGIN").has_value());
  }
  void turn() {
    REQUIRE(execute(readers_[0].get(), "BEGIN; SELECT count(*) FROM t").has_value());
    REQUIRE(execute(readers_[1].get(), "COMMIT").has_value());
    std::swap(readers_[0], readers_[1]);
  }

 private:
  SqliteFile::Connection readers_[2];
};

}  // namespace

TEST_CASE("what is queued while the writer is busy shares one commit") {
  Fixture fixture;
  std::vector<std::future<Done>> outcomes;
  const auto before = fixture.file->figures();

  Gate gate(*fixture.file);
  for (int n = 0; n < 500; ++n) outcomes.push_back(submit(*fixture.file, insert(n)));
  gate.open();

  for (auto& outcome : outcomes) CHECK(outcome.get().has_value());
  CHECK(fixture.rows() == "500");
  fixture.file->close();
  const auto after = fixture.file->figures();
  CHECK(after.jobs == before.jobs + 501);
  CHECK(after.groups == before.groups + 2);
}

TEST_CASE("a group holds no more jobs than its bound") {
  Fixture fixture({.group_jobs_max = 10});
  std::vector<std::future<Done>> outcomes;
  const auto before = fixture.file->figures();

  Gate gate(*fixture.file);
  for (int n = 0; n < 95; ++n) outcomes.push_back(submit(*fixture.file, insert(n)));
  gate.open();
  for (auto& outcome : outcomes) CHECK(outcome.get().has_value());

  fixture.file->close();
  CHECK(fixture.file->figures().groups == before.groups + 1 + 10);
}

TEST_CASE("a group ends with the job that fills its bytes") {
  Fixture fixture({.group_bytes_max = 100});
  std::vector<std::future<Done>> outcomes;
  const auto before = fixture.file->figures();

  Gate gate(*fixture.file);
  for (int n = 0; n < 9; ++n) {
    auto submitted = executing(insert(n));
    submitted.job->bytes_ = 40;
    outcomes.push_back(std::move(submitted.outcome));
    REQUIRE(fixture.file->submit(std::move(submitted.job)));
  }
  gate.open();
  for (auto& outcome : outcomes) CHECK(outcome.get().has_value());

  fixture.file->close();
  CHECK(fixture.file->figures().groups == before.groups + 1 + 3);
}

TEST_CASE("a job that fails is undone alone") {
  Fixture fixture;

  Gate gate(*fixture.file);
  auto first = submit(*fixture.file, insert(1));
  auto failing = submit(*fixture.file, insert(2) + "; " + insert(3) + "; " + insert(1));
  auto last = submit(*fixture.file, insert(2));
  gate.open();

  CHECK(first.get().has_value());
  const auto failed = failing.get();
  REQUIRE_FALSE(failed.has_value());
  CHECK(failed.error().kind == Kind::conflict);
  CHECK(last.get().has_value());
  CHECK(seen_in(*fixture.file, "SELECT group_concat(n) FROM t") == "1,2");
}

TEST_CASE("a job that is alone in its group is undone too") {
  Fixture fixture;

  const auto failed = run_now(*fixture.file, insert(2) + "; " + insert(2));
  const auto next = run_now(*fixture.file, insert(7));

  REQUIRE_FALSE(failed.has_value());
  CHECK(next.has_value());
  CHECK(seen_in(*fixture.file, "SELECT group_concat(n) FROM t") == "7");
}

TEST_CASE("a single statement that fails needs no savepoint to be undone") {
  Fixture fixture;

  Gate gate(*fixture.file);
  auto first = submit(*fixture.file, insert(1));
  auto failing = executing("INSERT INTO t (n) VALUES (2), (3), (1)");
  failing.job->savepoint_ = false;
  REQUIRE(fixture.file->submit(std::move(failing.job)));
  gate.open();

  CHECK(first.get().has_value());
  CHECK_FALSE(failing.outcome.get().has_value());
  CHECK(fixture.rows() == "1");
}

TEST_CASE("a failure that is no failure of SQLite undoes the job all the same") {
  Fixture fixture;
  const auto outcome = std::make_shared<std::promise<Done>>();
  auto finished = [outcome](Done done) { outcome->set_value(std::move(done)); };
  auto changes_its_mind = [](sqlite3* file) -> Done {
    auto done = execute(file, insert(1));
    REQUIRE(done.has_value());
    return fail(Kind::stale, "an epoch that is over");
  };

  Gate gate(*fixture.file);
  auto other = submit(*fixture.file, insert(2));
  REQUIRE(fixture.file->submit(std::make_unique<TestJob>(changes_its_mind, finished)));
  gate.open();

  CHECK(other.get().has_value());
  CHECK(outcome->get_future().get().error().kind == Kind::stale);
  CHECK(seen_in(*fixture.file, "SELECT group_concat(n) FROM t") == "2");
}

TEST_CASE("jobs of one thread run in the order of their submits") {
  Fixture fixture;
  constexpr int threads = 4;
  constexpr int each = 300;
  std::vector<std::thread> submitters;
  for (int thread = 0; thread < threads; ++thread) {
    submitters.emplace_back([&, thread] {
      for (int n = 0; n < each; ++n) {
        auto job = executing(fmt::format("INSERT INTO t (who) VALUES ('{}:{}')", thread, n));
        while (!fixture.file->submit(std::move(job.job))) FAIL("the queue is large enough");
      }
    });
  }
  for (auto& submitter : submitters) submitter.join();
  fixture.file->close();

  const auto reopened = open_file(fixture.folder / "t.db");
  CHECK(seen_in(*reopened, "SELECT count(*) FROM t") == std::to_string(threads * each));
  for (int thread = 0; thread < threads; ++thread) {
    const auto out_of_order = fmt::format(
        "SELECT count(*) FROM (SELECT CAST(substr(who, 3) AS INTEGER) AS k, row_number() OVER (ORDER BY n) - 1 AS "
        "place "
        "FROM t WHERE who LIKE '{}:%') WHERE k <> place",
        thread);
    CHECK(seen_in(*reopened, out_of_order) == "0");
  }
}

TEST_CASE("a full queue refuses by jobs and by bytes and a closed file refuses all") {
  Fixture fixture({.queue_jobs_max = 3, .queue_bytes_max = 1000});
  const auto job = [](std::size_t bytes) {
    auto made = executing("SELECT 1");
    made.job->bytes_ = bytes;
    return std::move(made.job);
  };

  auto large = executing("SELECT 1");
  large.job->bytes_ = 5000;

  {
    Gate gate(*fixture.file);
    CHECK(fixture.file->submit(std::move(large.job)));  // above the bound, but nothing else waits
    CHECK_FALSE(fixture.file->submit(job(1)));
    CHECK(fixture.file->refusal().kind == Kind::overloaded);
  }
  CHECK(large.outcome.get().has_value());
  {
    Gate gate(*fixture.file);
    for (int n = 0; n < 3; ++n) CHECK(fixture.file->submit(job(10)));
    CHECK_FALSE(fixture.file->submit(job(10)));
  }
  fixture.file->close();
  CHECK_FALSE(fixture.file->submit(job(1)));
  CHECK(fixture.file->refusal().kind == Kind::stopping);
}

TEST_CASE("closing finishes what was submitted and may be done twice") {
  Fixture fixture;
  std::vector<std::future<Done>> outcomes;
  for (int n = 0; n < 200; ++n) outcomes.push_back(submit(*fixture.file, insert(n)));

  fixture.file->close();
  fixture.file->close();

  for (auto& outcome : outcomes) {
    REQUIRE(outcome.wait_for(std::chrono::seconds{0}) == std::future_status::ready);
    CHECK(outcome.get().has_value());
  }
}

TEST_CASE("what a group tells a loop is one post after all have finished") {
  Fixture fixture;
  Loop first;
  Loop second;
  Story story;
  const auto speaking = [&](Loop& loop, std::string who) {
    auto finished = [&fixture, &loop, &story, who](const Done&) {
      loop.run_ready();  // what had been posted by now would be heard before this job has finished
      tell(story, "finished " + who);
      fixture.file->tell(loop, [&story, who] { tell(story, "told " + who); });
    };
    return std::make_unique<TestJob>([](sqlite3*) { return Done{}; }, finished);
  };

  {
    Gate gate(*fixture.file);
    REQUIRE(fixture.file->submit(speaking(first, "a")));
    REQUIRE(fixture.file->submit(speaking(second, "x")));
    REQUIRE(fixture.file->submit(speaking(first, "b")));
  }
  fixture.file->close();
  CHECK(told(story) == std::vector<std::string>{"finished a", "finished x", "finished b"});

  first.run_one_ready();
  CHECK(told(story) == std::vector<std::string>{"finished a", "finished x", "finished b", "told a", "told b"});
  second.run_one_ready();
  CHECK(told(story).back() == "told x");
}

TEST_CASE("the loop is told only when the job's rows can be seen") {
  Fixture fixture;
  Loop loop;
  std::string seen;
  loop.hold();
  auto finished = [&](const Done&) {
    fixture.file->tell(loop, [&] {
      seen = fixture.rows();
      loop.release();
    });
  };

  REQUIRE(fixture.file->submit(
      std::make_unique<TestJob>([](sqlite3* file) { return execute(file, insert(1)); }, finished)));
  loop.run();

  CHECK(seen == "1");
}

TEST_CASE("ten that open a new file at once all get it") {
  for (int round = 0; round < 10; ++round) {
    TempFolder folder;
    std::atomic<int> opened{0};
    std::atomic<int> ready{0};
    std::vector<std::thread> openers;
    for (int opener = 0; opener < 10; ++opener) {
      openers.emplace_back([&] {
        ready += 1;
        while (ready < 10) std::this_thread::yield();
        const auto file = SqliteFile::open(folder / "t.db");
        if (!file) MESSAGE(file.error().sentence);
        if (file && execute((*file)->open_reader()->get(), "SELECT count(*) FROM sqlite_master")) opened += 1;
      });
    }
    for (auto& opener : openers) opener.join();
    CHECK(opened == 10);
  }
}

TEST_CASE("a reader cannot write") {
  Fixture fixture;
  auto reader = fixture.file->open_reader();
  REQUIRE(reader.has_value());

  const auto written = execute(reader->get(), insert(1));

  REQUIRE_FALSE(written.has_value());
  CHECK(fixture.rows() == "0");
}

TEST_CASE("the write-ahead log is written back when it has grown and goes on in place") {
  Fixture fixture({.wal_pages_max = 20});

  for (int n = 0; n < 200; ++n) REQUIRE(run_now(*fixture.file, large_row).has_value());

  const auto figures = fixture.file->figures();
  CHECK(figures.checkpoints > 5);
  CHECK(figures.checkpoints_failed == 0);
  CHECK(std::filesystem::file_size(fixture.wal()) < 4096 * 60);
}

TEST_CASE("readers that overlap without a pause do not let the write-ahead log grow for ever") {
  Fixture fixture({.wal_pages_max = 10});
  Overlapping readers(*fixture.file);

  for (int n = 0; n < 200; ++n) {
    auto outcome = submit(*fixture.file, large_row);
    do readers.turn();
    while (outcome.wait_for(std::chrono::seconds{0}) != std::future_status::ready);
  }

  CHECK(std::filesystem::file_size(fixture.wal()) < 4096 * 200);
}

TEST_CASE("a reader that never ends holds the writer up for a moment and not for its whole patience") {
  Fixture fixture({.busy_wait_max = std::chrono::minutes{10}, .wal_pages_max = 10});
  auto reader = fixture.file->open_reader();
  REQUIRE(reader.has_value());
  REQUIRE(execute(reader->get(), "BEGIN; SELECT count(*) FROM t").has_value());

  for (int n = 0; n < 40; ++n) REQUIRE(run_now(*fixture.file, large_row).has_value());
  const auto growing = std::filesystem::file_size(fixture.wal());
  REQUIRE(execute(reader->get(), "COMMIT").has_value());
  for (int n = 0; n < 40; ++n) REQUIRE(run_now(*fixture.file, large_row).has_value());

  CHECK(fixture.file->figures().checkpoints_failed > 0);
  constexpr std::uintmax_t page_bytes = 4096;
  CHECK(growing > page_bytes * 80);
  CHECK(std::filesystem::file_size(fixture.wal()) < growing + page_bytes * 40);
}

}  // namespace sluice::db
