#include "common/async/spawn.hpp"

#include <cstdio>
#include <cstdlib>
#include <utility>

#include <boost/asio/co_spawn.hpp>

#include "common/async/waiter.hpp"
#include "common/base/ensure.hpp"

namespace sluice {
namespace {

std::string sentence_of(const std::exception_ptr& failure) {
  try {
    std::rethrow_exception(failure);
  } catch (const std::exception& error) {
    return error.what();
  } catch (...) {
    return "an exception without a sentence";
  }
}

}  // namespace

void spawn(Loop& loop, Task<> task, std::function<void(std::exception_ptr)> on_failure) {
  ENSURE(on_failure, "a spawned task needs somebody who takes its failure");
  boost::asio::co_spawn(loop.executor(), in_next_turn(std::move(task)),
                        [on_failure = std::move(on_failure)](std::exception_ptr failure) noexcept {
                          if (failure) on_failure(std::move(failure));
                        });
}

std::function<void(std::exception_ptr)> or_die(std::string name) {
  return [name = std::move(name)](const std::exception_ptr& failure) {
    std::fprintf(stderr, "{\"level\":\"fatal\",\"message\":\"%s ended with: %s\"}\n", name.c_str(),
                 sentence_of(failure).c_str());
    std::abort();
  };
}

Task<> in_next_turn(Task<> task) {
  Waiter turn;
  turn.wake();
  co_await turn.wait();
  co_await std::move(task);
}

}  // namespace sluice
