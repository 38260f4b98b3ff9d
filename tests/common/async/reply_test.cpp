#include "common/async/reply.hpp"

#include <array>
#include <deque>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include <doctest/doctest.h>

#include "common/async/scope.hpp"
#include "tests/common/async/tools.hpp"
#include "tests/support/death.hpp"
#include "tests/support/world.hpp"

namespace sluice {
namespace {

TEST_CASE("a reply is awaited before or after it is given") {
  SimulatedWorld world;
  auto early = Reply<int>::on(world.loop);
  auto late = Reply<int>::on(world.loop);
  early->give(1);
  Operation<int> waiting{world.loop, late->wait()};
  world.clock.run_until_idle();
  CHECK(waiting.running());
  CHECK(!late->arrived_already());

  late->give(2);
  CHECK(late->arrived_already());
  CHECK(waiting.running());  // never resumed inside give()
  world.clock.run_until_idle();

  CHECK(world.run(early->wait()) == 1);
  CHECK(waiting.value() == 2);
}

TEST_CASE("the first value wins") {
  SimulatedWorld world;
  auto reply = Reply<std::string>::on(world.loop);

  reply->give("first");
  reply->give("second");
  reply->give_from("third");

  CHECK(world.run(reply->wait()) == "first");
}

TEST_CASE("a value that can only be moved comes through") {
  SimulatedWorld world;
  auto reply = Reply<std::unique_ptr<int>>::on(world.loop);

  reply->give(std::make_unique<int>(7));

  CHECK(*world.run(reply->wait()) == 7);
}

TEST_CASE("either side may let go of a reply") {
  SimulatedWorld world;
  int living = 0;

  auto reply = Reply<Living>::on(world.loop);
  auto given = reply;
  auto wait = reply->wait();
  Operation<Living> waiting{world.loop, std::move(wait)};
  reply.reset();
  world.clock.run_until_idle();
  given->give(Living{living});
  given.reset();
  world.clock.run_until_idle();
  CHECK(waiting.value().has_value());
  CHECK(living == 1);

  auto unwanted = Reply<Living>::on(world.loop);
  unwanted->give(Living{living});
  CHECK(living == 2);
  unwanted.reset();
  CHECK(living == 1);
}

TEST_CASE("a cancelled wait throws and a value that comes later is dropped") {
  SimulatedWorld world;
  int living = 0;
  auto reply = Reply<Living>::on(world.loop);
  Operation<Living> waiting{world.loop, reply->wait()};
  world.clock.run_until_idle();

  waiting.cancel();
  world.clock.run_until_idle();
  CHECK(waiting.cancelled());

  reply->give(Living{living});
  reply.reset();
  world.clock.run_until_idle();
  CHECK(living == 0);
}

TEST_CASE("a value that was given before the cancellation is returned") {
  SimulatedWorld world;
  auto reply = Reply<int>::on(world.loop);
  Operation<int> waiting{world.loop, reply->wait()};
  world.clock.run_until_idle();

  reply->give(7);
  waiting.cancel();
  world.clock.run_until_idle();

  CHECK(waiting.value() == 7);
}

TEST_CASE("a second waiter and a second value are broken promises") {
  CHECK(dies_saying("one waiting coroutine at most", [] {
    SimulatedWorld world;
    auto reply = Reply<int>::on(world.loop);
    Operation<int> first{world.loop, reply->wait()};
    Operation<int> second{world.loop, reply->wait()};
    world.clock.run_until_idle();
  }));
  CHECK(dies_saying("awaited once", [] {
    SimulatedWorld world;
    auto reply = Reply<int>::on(world.loop);
    reply->give(1);
    (void)world.run(reply->wait());
    (void)world.run(reply->wait());
  }));
}

Task<> add(std::shared_ptr<Reply<int>> reply, long& sum) {
  const auto value = co_await reply->wait();
  sum += value;
}

TEST_CASE("thousands of values from several threads each reach their waiter") {
  constexpr std::size_t threads = 4;
  constexpr std::size_t each = 5'000;
  Loop loop;
  Scope scope{loop};
  long sum = 0;
  std::vector<std::vector<std::shared_ptr<Reply<int>>>> replies(threads);
  std::vector<std::thread> givers;
  givers.reserve(threads);
  for (auto& own : replies) {
    for (std::size_t i = 0; i < each; ++i) {
      own.push_back(Reply<int>::on(loop));
      scope.start(add(own.back(), sum));
    }
  }

  for (auto& own : replies) {
    givers.emplace_back([&own] {
      for (std::size_t i = 0; i < own.size(); ++i) std::exchange(own[i], nullptr)->give_from(static_cast<int>(i));
    });
  }
  run_task(loop, scope.join());
  for (auto& giver : givers) giver.join();

  CHECK(sum == static_cast<long>(threads * each * (each - 1) / 2));
}

TEST_CASE("values that are given together each reach their waiter in its own loop") {
  constexpr int each = 100;
  std::array<Loop, 2> loops;
  std::array<long, 2> sums{};
  std::vector<std::pair<std::shared_ptr<Reply<int>>, int>> answers;
  std::deque<Scope> scopes;
  for (std::size_t i = 0; i < loops.size(); ++i) {
    auto& scope = scopes.emplace_back(loops[i]);
    for (int n = 0; n < each; ++n) {
      answers.emplace_back(Reply<int>::on(loops[i]), n);
      scope.start(add(answers.back().first, sums[i]));
      loops[i].run_ready();
    }
  }
  const auto early = answers.front().first;
  early->give(1'000);  // the first wins

  std::thread giver{[&] { Reply<int>::give_all_from(std::exchange(answers, {})); }};
  giver.join();
  for (std::size_t i = 0; i < loops.size(); ++i) run_task(loops[i], scopes[i].join());

  CHECK(sums[0] == 1'000 + each * (each - 1) / 2);
  CHECK(sums[1] == each * (each - 1) / 2);
}

TEST_CASE("of two threads that give the same reply one wins") {
  Loop loop;
  for (int round = 0; round < 300; ++round) {
    auto reply = Reply<std::string>::on(loop);
    std::thread one{[&] { reply->give_from("one"); }};
    std::thread two{[&] { reply->give_from("two"); }};

    const auto value = run_task(loop, reply->wait());
    one.join();
    two.join();

    CHECK_FALSE((value != "one" && value != "two"));
  }
  loop.run();
}

TEST_CASE("a value from another thread races with the cancellation and exactly one of them wins") {
  Loop loop;
  for (int round = 0; round < 300; ++round) {
    auto reply = Reply<int>::on(loop);
    Operation<int> waiting{loop, reply->wait()};
    loop.run_ready();
    std::thread giver{[&] { reply->give_from(7); }};

    if (round % 2 == 0) loop.run_ready();
    waiting.cancel();
    loop.run();
    giver.join();
    loop.run();

    CHECK_FALSE(waiting.running());
    CHECK_FALSE((!waiting.cancelled() && waiting.value() != 7));
  }
}

}  // namespace
}  // namespace sluice
