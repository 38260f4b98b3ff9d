// Long chains of tasks in a small stack: without optimisation a resumption inside a resumption is never a tail call.
#include <vector>

#include <doctest/doctest.h>

#include "common/async/reply.hpp"
#include "common/async/scope.hpp"
#include "common/async/spawn.hpp"
#include "tests/common/async/tools.hpp"
#include "tests/support/run.hpp"

namespace sluice {
namespace {

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

}  // namespace
}  // namespace sluice
