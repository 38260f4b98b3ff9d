// What a loop leaves behind.
#include <set>
#include <string>
#include <thread>
#include <vector>

#include <doctest/doctest.h>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>

#include "common/async/clock_real.hpp"
#include "common/async/loop.hpp"
#include "common/async/queue.hpp"
#include "common/async/scope.hpp"
#include "common/async/semaphore.hpp"
#include "common/async/spawn.hpp"
#include "tests/common/async/tools.hpp"

namespace sluice {
namespace {

using namespace std::chrono_literals;

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

}  // namespace
}  // namespace sluice
