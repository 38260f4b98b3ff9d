#include "common/async/spawn.hpp"

#include <cstdio>
#include <cstdlib>
#include <string_view>
#include <utility>

#include <boost/asio/co_spawn.hpp>

#include "common/async/waiter.hpp"
#include "common/base/ensure.hpp"

namespace sluice {
namespace {

std::string quoted(std::string_view text) {  // as a JSON string
  std::string quoted = "\"";
  for (const char letter : text) {
    if (letter == '"' || letter == '\\') quoted += '\\';
    quoted += static_cast<unsigned char>(letter) < ' ' ? ' ' : letter;
  }
  return quoted += '"';
}

std::string sentence_of(const std::exception_ptr& failure) {
  try {
    std::rethrow_exception(failure);
  } catch (const std::exception& error) {
    return error.what();
  } catch (...) {
    return "an exception without a sentence";
  }
}

struct Woken final : Waiter {
  Woken() { wake(); }
};

}  // namespace

void spawn(Loop& loop, Task<> task, std::function<void(std::exception_ptr)> on_failure) {
  ENSURE(on_failure, "a spawned task needs somebody who takes its failure");
  loop.post([&loop, task = std::move(task), on_failure = std::move(on_failure)]() mutable {
    boost::asio::co_spawn(loop.executor(), std::move(task),
                          [on_failure = std::move(on_failure)](std::exception_ptr failure) noexcept {
                            if (failure) on_failure(std::move(failure));
                          });
  });
}

std::function<void(std::exception_ptr)> or_die(std::string name) {
  return [name = std::move(name)](const std::exception_ptr& failure) {
    const auto message = quoted(name + " ended with: " + sentence_of(failure));
    std::fprintf(stderr, "{\"level\":\"fatal\",\"message\":%s}\n", message.c_str());
    std::abort();
  };
}

Task<> next_turn() {
  return Waiter::wait_on<Woken>();
}

Task<> in_next_turn(Task<> task) {
  co_await next_turn();
  co_await std::move(task);
}

}  // namespace sluice
