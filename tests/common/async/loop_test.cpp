#include "common/async/loop.hpp"

#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include <doctest/doctest.h>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>

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

TEST_CASE("a loop that stays awake runs what another thread posts, and ends when nothing is left") {
  Loop loop;
  int ran = 0;
  std::thread poster;
  loop.post([&] {
    poster = std::thread([&] { loop.post([&] { ++ran; }); });
    loop.stay_awake();
  });

  loop.run();
  poster.join();
  loop.run();  // it came after the loop had given up

  CHECK(ran == 1);
}

TEST_CASE("work of several threads all runs and each thread's in its order") {
  constexpr int threads = 4;
  constexpr int each = 5'000;
  Loop loop;
  loop.hold();
  std::vector<std::vector<int>> ran(threads);
  int left = threads * each;
  std::vector<std::thread> posters;
  posters.reserve(threads);

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

TEST_CASE("an exception that is nobody's ends the process") {
  CHECK(last_words([] {
    Loop loop;
    loop.post([] { throw std::runtime_error("nobody's"); });
    loop.run();
  }));
}

}  // namespace
}  // namespace sluice
