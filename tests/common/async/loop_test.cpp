#include "common/async/loop.hpp"

#include <set>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include <doctest/doctest.h>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>

#include "common/async/clock_real.hpp"
#include "common/async/queue.hpp"
#include "common/async/reply.hpp"
#include "common/async/scope.hpp"
#include "common/async/semaphore.hpp"
#include "common/async/spawn.hpp"
#include "tests/common/async/tools.hpp"
#include "tests/support/death.hpp"
#include "tests/support/run.hpp"

namespace sluice {
namespace {

using namespace std::chrono_literals;

Task<Loop*> where_am_i() {
  const auto executor = co_await boost::asio::this_coro::executor;
  co_return &Loop::of(executor);
}

TEST_CASE("a task knows its loop") {
  Loop loop;
  Loop other;

  CHECK(run_task(loop, where_am_i()) == &loop);
  CHECK(run_task(other, where_am_i()) == &other);
}

TEST_CASE("the loop that runs on this thread is here and nowhere else") {
  Loop outer;
  Loop inner;
  std::vector<Loop*> seen;

  outer.post([&] {
    seen.push_back(Loop::here());
    inner.post([&] { seen.push_back(Loop::here()); });
    inner.run_ready();
    seen.push_back(Loop::here());
    inner.post([&] { seen.push_back(Loop::here()); });
    inner.run_one_ready();
  });
  outer.run();

  CHECK(seen == std::vector<Loop*>{&outer, &inner, &outer, &inner});
  CHECK(Loop::here() == nullptr);
}

TEST_CASE("posted work runs in the order of the calls") {
  Loop loop;
  std::vector<int> ran;
  for (int i = 0; i < 100; ++i) {
    loop.post([&ran, i] { ran.push_back(i); });
  }
  loop.post([&] { loop.post([&ran] { ran.push_back(-1); }); });
  loop.post([&ran] { ran.push_back(100); });

  loop.run();

  REQUIRE(ran.size() == 102);
  for (int i = 0; i <= 100; ++i) CHECK(ran[static_cast<std::size_t>(i)] == i);
  CHECK(ran.back() == -1);
}

TEST_CASE("work of several threads all runs and each thread's in its order") {
  constexpr int threads = 4;
  constexpr int each = 5'000;
  Loop loop;
  loop.hold();
  std::vector<std::vector<int>> ran(threads);
  int left = threads * each;
  std::vector<std::thread> posters;

  for (std::size_t who = 0; who < threads; ++who) {
    posters.emplace_back([&, who] {
      for (int i = 0; i < each; ++i) {
        loop.post([&, who, i] {
          ran[who].push_back(i);
          if (--left == 0) loop.release();
        });
      }
    });
  }
  loop.run();
  for (auto& poster : posters) poster.join();

  for (const auto& sequence : ran) {
    REQUIRE(sequence.size() == each);
    for (int i = 0; i < each; ++i) CHECK_FALSE(sequence[static_cast<std::size_t>(i)] != i);
  }
}

TEST_CASE("a loop may end as soon as the last work from another thread has run") {
  for (int round = 0; round < 300; ++round) {
    std::thread poster;
    {
      Loop loop;
      loop.hold();
      poster = std::thread{[&] { loop.post([&] { loop.release(); }); }};
      loop.run();
    }
    poster.join();
  }
}

TEST_CASE("run returns when nothing is left and can be called again") {
  Loop loop;
  int ran = 0;

  loop.run();
  loop.post([&] { ++ran; });
  loop.run();
  loop.post([&] { ++ran; });
  loop.run();

  CHECK(ran == 2);
}

TEST_CASE("a held loop waits for work that comes from another thread") {
  Loop loop;
  loop.hold();
  loop.hold();
  bool ran = false;

  std::thread other{[&] {
    loop.post([&] {
      ran = true;
      loop.release();
    });
  }};
  loop.run();
  other.join();

  CHECK(ran);
}

TEST_CASE("a stop that comes before run is kept") {
  Loop loop;
  loop.hold();
  loop.stop();

  loop.run();

  bool ran = false;
  loop.post([&] {
    ran = true;
    loop.stop();
  });
  loop.run();
  CHECK(ran);
}

TEST_CASE("a stop from another thread ends a run without work") {
  Loop loop;
  loop.hold();
  std::thread other{[&] { loop.stop(); }};

  loop.run();

  other.join();
}

TEST_CASE("run_ready runs what is ready and never waits") {
  Loop loop;
  loop.hold();
  int ran = 0;
  loop.post([&] { ++ran; });
  loop.post([&] { loop.post([&] { ++ran; }); });

  CHECK(loop.run_ready() > 0);
  CHECK(ran == 2);
  CHECK(loop.run_ready() == 0);
}

Task<> count_turns(int& turns, int upto) {
  for (; turns < upto; ++turns) co_await next_turn();
}

TEST_CASE("a loop of ready awaits does not grow the stack") {
  Loop loop;
  int turns = 0;

  spawn(loop, count_turns(turns, 200'000), or_die("the counter"));
  loop.run();

  CHECK(turns == 200'000);
}

Task<int> ready_reply(Loop& loop, int number) {
  auto reply = Reply<int>::on(loop);
  reply->give(number);
  auto value = co_await reply->wait();
  co_return value;
}

Task<int> sum_of_ready_replies(Loop& loop, int upto) {
  int sum = 0;
  for (int i = 0; i < upto; ++i) {
    const auto value = co_await ready_reply(loop, 1);
    sum += value;
  }
  co_return sum;
}

TEST_CASE("a loop of awaits that never suspend does not grow the stack") {
  Loop loop;

  CHECK(run_task(loop, sum_of_ready_replies(loop, 200'000)) == 200'000);
}

Task<> pass_on(Waiter& mine, Waiter* next) {
  co_await mine.wait();
  if (next != nullptr) next->wake();
}

TEST_CASE("a chain of tasks that wake each other does not grow the stack") {
  constexpr std::size_t links = 20'000;
  Loop loop;
  std::vector<Waiter> waiters(links);
  for (std::size_t i = 0; i < links; ++i) {
    spawn(loop, pass_on(waiters[i], i + 1 < links ? &waiters[i + 1] : nullptr), or_die("a link"));
  }
  loop.run_ready();

  waiters.front().wake();
  loop.run();

  CHECK(!waiters.back().waiting());
}

Task<> start_next(Scope& scope, int& started, int upto) {
  if (++started < upto) scope.start(start_next(scope, started, upto));
  co_return;
}

Task<> start_a_chain(Loop& loop, int& started, int upto) {
  Scope scope{loop};
  scope.start(start_next(scope, started, upto));
  co_await scope.join();
}

TEST_CASE("children that start children do not grow the stack") {
  Loop loop;
  int started = 0;

  run_task(loop, start_a_chain(loop, started, 20'000));

  CHECK(started == 20'000);
}

Task<> wake_and_note(Waiter& woken, std::vector<std::string>& notes) {
  notes.emplace_back("before");
  woken.wake();
  notes.emplace_back("after");
  co_return;
}

Task<> note_when_woken(Waiter& waiter, std::vector<std::string>& notes) {
  co_await waiter.wait();
  notes.emplace_back("woken");
}

TEST_CASE("a woken task never runs inside the call that woke it") {
  Loop loop;
  Waiter waiter;
  std::vector<std::string> notes;
  spawn(loop, note_when_woken(waiter, notes), or_die("the sleeper"));
  loop.run_ready();

  run_task(loop, wake_and_note(waiter, notes));
  loop.run();

  CHECK(notes == std::vector<std::string>{"before", "after", "woken"});
}

Task<> spin(const bool& enough) {
  while (!enough) co_await next_turn();
}

TEST_CASE("tasks that are always ready leave room for sockets and timers") {
  Loop loop;
  bool enough = false;
  boost::asio::steady_timer timer{loop.context(), 1ms};
  timer.async_wait([&](boost::system::error_code) { enough = true; });

  spawn(loop, spin(enough), or_die("the spinner"));
  loop.run();

  CHECK(enough);
}

Task<> sleep_on_a_timer_of_asio() {
  const auto executor = co_await boost::asio::this_coro::executor;
  boost::asio::steady_timer timer{executor, 1h};
  co_await timer.async_wait(use_task);
}

Task<> hold_a_permit(Semaphore& semaphore, Task<> task) {
  auto permit = co_await semaphore.acquire();
  co_await std::move(task);
}

Task<> own_a_scope(Loop& loop, std::vector<std::string>& notes) {
  Scope scope{loop};
  scope.start(noting(notes, "child", wait_for_ever()));
  scope.start(noting(notes, "timer", sleep_on_a_timer_of_asio()));
  co_await scope.join();
}

Task<> pop_from(Queue<int>& queue) {
  co_await queue.pop();
}

TEST_CASE("a loop that is destroyed takes down every suspended task") {
  std::vector<std::string> notes;
  {
    Loop loop;
    RealClock clock{loop};
    Semaphore semaphore{1};
    Queue<int> queue{1};
    spawn(loop, noting(notes, "waiting", wait_for_ever()), or_die("a task"));
    spawn(loop, noting(notes, "sleeping", clock.sleep_for(1h)), or_die("a task"));
    spawn(loop, noting(notes, "popping", pop_from(queue)), or_die("a task"));
    spawn(loop, noting(notes, "holding", hold_a_permit(semaphore, wait_for_ever())), or_die("a task"));
    spawn(loop, noting(notes, "wanting", hold_a_permit(semaphore, wait_for_ever())), or_die("a task"));
    spawn(loop, own_a_scope(loop, notes), or_die("a task"));
    loop.run_ready();
    spawn(loop, noting(notes, "never begun", wait_for_ever()), or_die("a task"));
    CHECK(notes.empty());
  }

  // The one that never began has no frame yet in which it could note anything.
  CHECK(std::set<std::string>(notes.begin(), notes.end()) ==
        std::set<std::string>{"waiting", "sleeping", "popping", "holding", "wanting", "child", "timer"});
  CHECK(notes.size() == 7);
}

TEST_CASE("work that nobody ran is dropped with the loop") {
  int living = 0;
  {
    Loop loop;
    loop.post([object = Living{living}] {});
    CHECK(living == 1);
  }

  CHECK(living == 0);
}

struct PostsAtItsEnd {
  Loop& loop;
  ~PostsAtItsEnd() {
    loop.post([] {});
  }
};

Task<> post_at_the_end(Loop& loop) {
  const PostsAtItsEnd posts{loop};
  co_await wait_for_ever();
}

TEST_CASE("what a dying loop is still asked to do is dropped") {
  Loop loop;
  spawn(loop, post_at_the_end(loop), or_die("a task"));

  loop.run_ready();
}

TEST_CASE("an exception that is nobody's ends the process") {
  CHECK(last_words([] {
    Loop loop;
    loop.post([] { throw std::runtime_error("nobody's"); });
    loop.run();
  }));
}

}  // namespace
}  // namespace sluice
