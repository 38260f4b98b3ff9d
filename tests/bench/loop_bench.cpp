// What a wait and a wake-up cost, beside the same thing in bare Asio.
#include <chrono>
#include <memory>
#include <thread>

#include <boost/asio/steady_timer.hpp>

#include "common/async/clock_real.hpp"
#include "common/async/deadline.hpp"
#include "common/async/reply.hpp"
#include "common/async/scope.hpp"
#include "tests/bench/bench.hpp"
#include "tests/support/run.hpp"

namespace sluice::bench {
namespace {

constexpr int waits = 300'000;
constexpr int completions = 300'000;
constexpr int under_way = 512;

Task<> nothing() {
  co_return;
}

// A wait is set and, as nearly every deadline, cancelled because the work was done in time.
Task<> wait_and_cancel(Clock& clock) {
  for (int i = 0; i < waits; ++i) {
    [[maybe_unused]] const bool in_time = co_await within(clock, clock.now() + std::chrono::hours{1}, nothing());
  }
}

double our_waits() {
  Loop loop;
  RealClock clock{loop};
  return waits / cpu_seconds_of([&] { run_task(loop, wait_and_cancel(clock)); });
}

double bare_waits() {
  namespace asio = boost::asio;
  asio::io_context context{1};
  const double cpu = cpu_seconds_of([&] {
    asio::co_spawn(
        context,
        []() -> asio::awaitable<void, Executor> {
          using Timer = asio::basic_waitable_timer<std::chrono::steady_clock,
                                                   asio::wait_traits<std::chrono::steady_clock>, Executor>;
          const Executor executor = co_await asio::this_coro::executor;
          Timer timer{executor};
          for (int i = 0; i < waits; ++i) {
            timer.expires_after(std::chrono::hours{1});
            asio::post(executor, [&timer] { timer.cancel(); });
            [[maybe_unused]] auto [failed] =
                co_await timer.async_wait(asio::as_tuple(asio::use_awaitable_t<Executor>{}));
          }
        },
        [](std::exception_ptr) {});
    context.run();
  });
  return waits / cpu;
}

// Another thread completes what many coroutines wait for, as a log's writer does.
struct Desk {
  std::mutex mutex;
  std::vector<std::shared_ptr<Reply<int>>> asked;
  bool closed = false;
};

Task<> ask(Loop& loop, Desk& desk, int times, int& done) {
  for (int i = 0; i < times; ++i) {
    auto reply = Reply<int>::on(loop);
    {
      const std::lock_guard lock{desk.mutex};
      desk.asked.push_back(reply);
    }
    done += co_await reply->wait();
  }
}

void answer(Desk& desk) {
  std::vector<std::shared_ptr<Reply<int>>> taken;
  while (true) {
    {
      const std::lock_guard lock{desk.mutex};
      taken.swap(desk.asked);
      if (taken.empty() && desk.closed) return;
    }
    if (taken.empty()) std::this_thread::yield();
    for (auto& reply : taken) reply->give_from(1);
    taken.clear();
  }
}

Task<> ask_all(Loop& loop, Desk& desk, int& done) {
  Scope scope{loop};
  for (int i = 0; i < under_way; ++i) scope.start(ask(loop, desk, completions / under_way, done));
  co_await scope.join();
}

double our_completions() {
  Loop loop;
  Desk desk;
  std::thread thread{[&] { answer(desk); }};
  int done = 0;
  const double seconds = seconds_of([&] { run_task(loop, ask_all(loop, desk, done)); });
  {
    const std::lock_guard lock{desk.mutex};
    desk.closed = true;
  }
  thread.join();
  return done / seconds;
}

// The usual way: each completion is a post of its own.
double bare_completions() {
  boost::asio::io_context context{1};
  auto guard = boost::asio::make_work_guard(context);
  int done = 0;
  std::thread thread{[&] {
    for (int i = 0; i < completions; ++i) {
      boost::asio::post(context, [&] {
        if (++done == completions) guard.reset();
      });
    }
  }};
  const double seconds = seconds_of([&] { context.run(); });
  thread.join();
  return done / seconds;
}

}  // namespace

void loop_bench(Report& report) {
  report.run({.name = "loop waits set and cancelled",
              .unit = "/cpu-s",
              .goal = ">= 500000",
              .ours = our_waits,
              .baseline = bare_waits});
  report.run({.name = "loop completions from another thread",
              .unit = "/s",
              .goal = ">= 500000",
              .ours = our_completions,
              .baseline = bare_completions});
}

}  // namespace sluice::bench
