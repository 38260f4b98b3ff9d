#include "common/async/offload.hpp"

#include <atomic>
#include <latch>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include <doctest/doctest.h>
#include <pthread.h>

#include "common/async/scope.hpp"
#include "tests/common/async/tools.hpp"
#include "tests/support/world.hpp"

namespace sluice {
namespace {

struct Seen {
  std::thread::id job;
  std::thread::id resumed;
};

Task<Seen> see(Offload& pool) {
  const auto job = co_await pool.run([] { return std::this_thread::get_id(); });
  co_return Seen{job.value(), std::this_thread::get_id()};
}

TEST_CASE("a job runs on a thread of the pool and its task resumes on its loop") {
  Loop loop;
  Offload pool{1, 10};

  const auto seen = run_task(loop, see(pool));

  CHECK(seen.job != std::this_thread::get_id());
  CHECK(seen.resumed == std::this_thread::get_id());
}

TEST_CASE("a pool's threads carry its name") {
  Loop loop;
  Offload pool{1, 10, "sqlite-readers-and-more"};

  const auto name = run_task(loop, pool.run([] {
    std::array<char, 16> name_of_thread{};
    pthread_getname_np(pthread_self(), name_of_thread.data(), name_of_thread.size());
    return std::string{name_of_thread.data()};
  }));

  CHECK(name.value() == "sqlite-readers-");
}

TEST_CASE("what a job returns comes through whatever it is") {
  Loop loop;
  for (const std::size_t threads : {0U, 2U}) {
    Offload pool{threads, 10};

    CHECK(run_task(loop, pool.run([] { return 7; })).value() == 7);
    CHECK(run_task(loop, pool.run([] {})).has_value());
    CHECK(*run_task(loop, pool.run([] { return std::make_unique<int>(8); })).value() == 8);
    const Result<int> flat = run_task(loop, pool.run([]() -> Result<int> { return 9; }));
    CHECK(flat.value() == 9);
    const Done failed = run_task(loop, pool.run([]() -> Done { return fail(Kind::exhausted, "disk full"); }));
    CHECK(failed.error().kind == Kind::exhausted);
    CHECK(run_task(loop, pool.run([object = std::make_unique<int>(10)] { return *object; })).value() == 10);
    CHECK_THROWS_WITH(run_task(loop, pool.run([]() -> int { throw std::runtime_error("a sentence"); })), "a sentence");
  }
}

// A job that stays until it is let go, so that a test decides what is queued behind it.
struct Gate {
  std::latch inside{1};
  std::latch open{1};
  void operator()() {
    inside.count_down();
    open.wait();
  }
};

using Job = Operation<Done>;

TEST_CASE("a full queue refuses at once and takes again later") {
  Loop loop;
  Gate gate;
  Offload pool{1, 2};
  Job running{loop, pool.run([&] { gate(); })};
  loop.run_ready();
  gate.inside.wait();

  Job first{loop, pool.run([] {})};
  Job second{loop, pool.run([] {})};
  loop.run_ready();
  const auto refused = run_task(loop, pool.run([] { FAIL("it was refused"); }));
  CHECK(refused.error().kind == Kind::overloaded);
  CHECK(may_pass(refused.error().kind));

  gate.open.count_down();
  loop.run();
  CHECK(first.value()->has_value());
  CHECK(second.value()->has_value());
  CHECK(run_task(loop, pool.run([] {})).has_value());
}

TEST_CASE("a stopped pool finishes what is queued and refuses what comes") {
  Loop loop;
  std::atomic<int> ran = 0;
  Offload pool{2, 100};
  std::vector<std::unique_ptr<Job>> jobs;
  jobs.reserve(50);
  for (int i = 0; i < 50; ++i) jobs.push_back(std::make_unique<Job>(loop, pool.run([&] { ++ran; })));
  loop.run_ready();

  pool.stop();
  pool.stop();
  CHECK(ran == 50);
  const auto refused = run_task(loop, pool.run([&] { ++ran; }));
  CHECK(refused.error().kind == Kind::stopping);

  loop.run();
  for (const auto& job : jobs) CHECK(job->value()->has_value());
  CHECK(ran == 50);
}

TEST_CASE("a cancelled task waits for its job and gets its value") {
  Loop loop;
  Gate gate;
  int living = 0;
  Offload pool{1, 10};
  Operation<Result<int>> job{loop, pool.run([&gate, object = std::make_shared<Living>(living)] {
                               gate();
                               return 7;
                             })};
  loop.run_ready();
  gate.inside.wait();

  job.cancel();
  loop.run_ready();
  CHECK(job.running());
  CHECK(living == 1);

  gate.open.count_down();
  loop.run();
  REQUIRE(job.value().has_value());
  CHECK(job.value()->value() == 7);
  CHECK(living == 0);
}

Task<> run_then_note(Offload& pool, std::vector<std::string>& notes) {
  const auto done = co_await pool.run([] {});
  notes.emplace_back(done ? "done" : "refused");
  co_await next_turn();
  notes.emplace_back("went on");
}

TEST_CASE("after the job of a cancelled task its next operation throws") {
  Loop loop;
  std::vector<std::string> notes;
  Offload pool{1, 10};
  Scope scope{loop};
  scope.start(run_then_note(pool, notes));
  loop.run_ready();

  if (notes.empty()) scope.cancel();
  loop.run();

  CHECK(notes.front() == "done");
  CHECK(scope.size() == 0);
}

Task<> count_on_pool(Offload& pool, std::atomic<int>& on_pool, int& on_loop, int times) {
  for (int i = 0; i < times; ++i) {
    const auto done = co_await pool.run([&on_pool] { ++on_pool; });
    on_loop += done ? 1 : 0;
  }
}

TEST_CASE("many tasks share a pool") {
  Loop loop;
  std::atomic<int> on_pool = 0;
  int on_loop = 0;
  Offload pool{3, 1'000};
  Scope scope{loop};
  for (int i = 0; i < 100; ++i) scope.start(count_on_pool(pool, on_pool, on_loop, 50));

  run_task(loop, scope.join());

  CHECK(on_pool == 5'000);
  CHECK(on_loop == 5'000);
}

TEST_CASE("a pool serves several loops") {
  std::atomic<int> on_pool = 0;
  Offload pool{2, 1'000};
  std::vector<std::thread> threads;
  threads.reserve(3);
  for (int i = 0; i < 3; ++i) {
    threads.emplace_back([&] {
      Loop loop;
      int on_loop = 0;
      run_task(loop, count_on_pool(pool, on_pool, on_loop, 300));
      CHECK(on_loop == 300);
    });
  }
  for (auto& thread : threads) thread.join();

  CHECK(on_pool == 900);
}

TEST_CASE("a pool without threads runs its jobs on the loop in turns of their own") {
  SimulatedWorld world;
  world.loop.resumes_max = 3;  // all three ask before the first job has its turn
  std::vector<int> ran;
  Offload pool{0, 2};
  Job first{world.loop, pool.run([&] { ran.push_back(1); })};
  Job second{world.loop, pool.run([&] { ran.push_back(2); })};
  Job third{world.loop, pool.run([&] { ran.push_back(3); })};
  CHECK(ran.empty());

  world.clock.run_until_idle();

  CHECK(ran == std::vector<int>{1, 2});
  CHECK(first.value()->has_value());
  CHECK(third.value()->error().kind == Kind::overloaded);
}

TEST_CASE("a pool without threads finishes what is queued when it is stopped") {
  SimulatedWorld world;
  int ran = 0;
  std::unique_ptr<Job> job;
  {
    Offload pool{0, 2};
    job = std::make_unique<Job>(world.loop, pool.run([&] { ++ran; }));
    for (int step = 0; step < 10 && ran == 0; ++step) {
      world.loop.run_one_ready();
      if (step == 2) pool.stop();
    }
    CHECK(ran == 1);
  }
  world.clock.run_until_idle();

  CHECK(job->value()->has_value());
  CHECK(ran == 1);
}

}  // namespace
}  // namespace sluice
