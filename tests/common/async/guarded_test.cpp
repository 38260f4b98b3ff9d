#include "common/async/guarded.hpp"

#include <memory>
#include <string>
#include <thread>
#include <type_traits>
#include <vector>

#include <doctest/doctest.h>

namespace sluice {
namespace {

struct Account {
  Account(std::string its_owner, int its_balance) : owner(std::move(its_owner)), balance(its_balance) {}
  std::string owner;
  int balance;
};

TEST_CASE("guarded data is reached through with and through a locked pointer") {
  Guarded<Account> account{"ours", 5};

  CHECK(account.with([](Account& data) { return data.balance += 2; }) == 7);
  account.locked()->balance += 1;
  (*account.locked()).owner = "theirs";

  const auto& looked_at = account;
  CHECK(looked_at.with([](const Account& data) { return data.owner; }) == "theirs");
  CHECK(looked_at.locked()->balance == 8);
  static_assert(std::is_const_v<std::remove_reference_t<decltype(*looked_at.locked())>>);
}

TEST_CASE("threads never meet inside") {
  Guarded<std::vector<int>> numbers;
  std::vector<std::thread> threads;
  threads.reserve(4);

  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&numbers, i] {
      for (int n = 0; n < 1'000; ++n) {
        if (n % 2 == 0) {
          numbers.with([&](auto& data) { data.push_back(i); });
        } else {
          numbers.locked()->push_back(i);
        }
      }
    });
  }
  for (auto& thread : threads) thread.join();

  CHECK(numbers.locked()->size() == 4'000);
}

TEST_CASE("a change wakes who waits for it") {
  Guarded<int> turn{0};
  int seen = 0;
  std::thread waiting{[&] { seen = turn.wait([](int now) { return now >= 2; }, [](int& now) { return now *= 10; }); }};

  CHECK(turn.change([](int& now) { return ++now; }) == 1);
  turn.change_for_one([](int& now) { ++now; });
  waiting.join();

  CHECK(seen == 20);
  CHECK(*turn.locked() == 20);
}

}  // namespace
}  // namespace sluice
