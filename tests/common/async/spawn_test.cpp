#include "common/async/spawn.hpp"

#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include <doctest/doctest.h>

#include "tests/common/async/tools.hpp"
#include "tests/support/death.hpp"
#include "tests/support/run.hpp"

namespace sluice {
namespace {

std::string sentence_of(const std::exception_ptr& failure) {
  try {
    std::rethrow_exception(failure);
  } catch (const std::exception& error) {
    return error.what();
  }
}

TEST_CASE("what a spawned task throws reaches its taker") {
  Loop loop;
  std::vector<std::string> failures;

  spawn(loop, fail_with("a sentence"),
        [&](const std::exception_ptr& failure) { failures.push_back(sentence_of(failure)); });
  spawn(loop, next_turn(), [&](const std::exception_ptr&) { failures.emplace_back("none was thrown"); });
  loop.run();

  CHECK(failures == std::vector<std::string>{"a sentence"});
}

TEST_CASE("a cancellation is a failure of a spawned task") {
  Loop loop;
  std::exception_ptr thrown;

  spawn(
      loop,
      []() -> Task<> {
        co_await next_turn();
        throw_cancelled();
      }(),
      [&](std::exception_ptr failure) { thrown = std::move(failure); });
  loop.run();

  CHECK(threw_cancellation(thrown));
}

TEST_CASE("only operation_aborted is a cancellation") {
  CHECK(!is_cancellation(boost::system::system_error(boost::asio::error::eof)));
  CHECK(is_cancellation(boost::system::system_error(boost::asio::error::operation_aborted)));
}

TEST_CASE("a task needs somebody who takes its failure") {
  CHECK(dies_saying("somebody who takes its failure", [] {
    Loop loop;
    spawn(loop, next_turn(), {});
  }));
}

TEST_CASE("or_die names the task and what it threw in one line of JSON and aborts") {
  const auto said = last_words([] {
    Loop loop;
    spawn(loop, fail_with("no \"luck\"\nat \\ all"), or_die("the engine"));
    loop.run();
  });

  CHECK(said == "{\"level\":\"fatal\",\"message\":\"the engine ended with: no \\\"luck\\\" at \\\\ all\"}\n");
}

TEST_CASE("or_die leaves a task that ends well alone") {
  CHECK(!last_words([] {
    Loop loop;
    spawn(loop, next_turn(), or_die("the engine"));
    loop.run();
  }));
}

Task<> count_on(int& count, std::thread::id& where) {
  where = std::this_thread::get_id();
  co_await next_turn();
  ++count;
}

TEST_CASE("a task spawned from another thread runs on the loop's") {
  constexpr int tasks = 1'000;
  Loop loop;
  loop.hold();
  int count = 0;
  std::thread::id where;

  std::thread other{[&] {
    for (int i = 0; i < tasks; ++i) spawn(loop, count_on(count, where), or_die("a task"));
    loop.post([&] { loop.release(); });
  }};
  loop.run();
  other.join();

  CHECK(count == tasks);
  CHECK(where == std::this_thread::get_id());
}

TEST_CASE("run_task rethrows and leaves other tasks where they are") {
  Loop loop;
  int turns = 0;
  spawn(
      loop,
      [](int& its_turns) -> Task<> {
        for (;;) {
          co_await next_turn();
          ++its_turns;
        }
      }(turns),
      or_die("the other"));

  CHECK_THROWS_WITH(run_task(loop, fail_with("a sentence")), "a sentence");

  const int before = turns;
  run_task(loop, next_turn());
  CHECK(turns > before);
}

}  // namespace
}  // namespace sluice
