#include <doctest/doctest.h>

#include <memory>

#include "common/async/clock_real.hpp"
#include "common/async/deadline.hpp"
#include "common/async/guarded.hpp"
#include "common/async/offload.hpp"
#include "common/async/queue.hpp"
#include "common/async/reply.hpp"
#include "common/async/semaphore.hpp"
#include "common/async/signal.hpp"
#include "tests/support/folder.hpp"
#include "tests/support/world.hpp"

namespace sluice {
namespace {
using namespace std::chrono_literals;

Task<int> all(Loop& loop, Clock& clock, Offload& pool) {
  auto reply = Reply<std::unique_ptr<int>>::on(loop);
  reply->give_from(std::make_unique<int>(1));
  auto one = co_await reply->wait();
  Queue<std::unique_ptr<int>> queue{1};
  co_await queue.push(std::move(one));
  auto popped = co_await queue.pop();
  Semaphore semaphore{1};
  auto permit = co_await semaphore.acquire();
  auto two = co_await pool.run([] { return 2; });
  auto three = co_await pool.run([]() -> Result<int> { return 3; });
  auto nothing = co_await pool.run([] {});
  REQUIRE(nothing.has_value());
  auto late = co_await within(clock, clock.now() + 1ms, semaphore.acquire());
  CHECK(!late);
  Signal signal;
  auto never = co_await within(clock, clock.now() + 1ms, signal.wait());
  CHECK(!never);
  co_return **popped + *two + *three;
}

TEST_CASE("everything compiles and runs together") {
  for (const std::size_t threads : {0U, 1U}) {
    Loop loop;
    RealClock clock{loop};
    Offload pool{threads, 10};
    CHECK(run_task(loop, all(loop, clock, pool)) == 6);
  }
  TempFolder folder;
  CHECK(std::filesystem::exists(folder.path()));
  Guarded<int> number{1};
  *number.locked() = 2;
  CHECK(number.with([](int& n) { return n; }) == 2);
}
}  // namespace
}  // namespace sluice
