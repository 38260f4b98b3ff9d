#include "common/async/scope.hpp"

#include <exception>
#include <utility>

#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/intrusive/list.hpp>
#include <boost/system/system_error.hpp>

#include "common/async/launch.hpp"
#include "common/async/spawn.hpp"
#include "common/async/waiter.hpp"
#include "common/base/ensure.hpp"

namespace sluice {

using ChildHook = boost::intrusive::list_base_hook<boost::intrusive::link_mode<boost::intrusive::auto_unlink>>;

struct Scope::State {
  explicit State(Loop& its_loop) : loop(its_loop) {}

  void cancel();
  void one_ended() {
    if (running > 0) return;
    while (!joiners.empty()) joiners.front().wake();
  }

  Loop& loop;
  boost::intrusive::list<Child, boost::intrusive::base_hook<ChildHook>, boost::intrusive::constant_time_size<false>>
      children;
  std::size_t running = 0;
  WaitList joiners;
  std::exception_ptr failure;
  bool cancelled = false;
};

struct Scope::Child : ChildHook {
  explicit Child(std::shared_ptr<State> its_scope) : scope(std::move(its_scope)) {
    scope->children.push_back(*this);
    ++scope->running;
  }
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;
  ~Child() { --scope->running; }

  // Destroyed before its end when the loop goes first.
  static Outermost live(std::unique_ptr<Child> child, Task<> task) {
    const auto work = boost::asio::make_work_guard(child->scope->loop.executor());
    try {
      co_await next_turn();
      co_await std::move(task);
    } catch (const boost::system::system_error& error) {
      if (error.code() != boost::asio::error::operation_aborted) child->failed(std::current_exception());
    } catch (...) {
      child->failed(std::current_exception());
    }
    const auto scope = child->scope;
    child.reset();
    scope->one_ended();
  }
  void failed(std::exception_ptr error) const {
    if (!scope->failure) scope->failure = std::move(error);
  }

  std::shared_ptr<State> scope;
  boost::asio::cancellation_signal signal;
};

void Scope::State::cancel() {
  cancelled = true;
  for (auto& child : children) child.signal.emit(boost::asio::cancellation_type::terminal);
}

struct Scope::Joiner final : Waiter {
  explicit Joiner(Scope::State& its_scope) : scope(its_scope) {}
  void cancelled() override {
    was_cancelled = true;
    scope.cancel();
  }

  Scope::State& scope;
  bool was_cancelled = false;
};

Scope::Scope(Loop& loop) : state_(std::make_shared<State>(loop)) {}

Scope::~Scope() {
  ENSURE(state_->running == 0 || state_->loop.ending(), "a scope is destroyed while its children still run");
}

void Scope::start(Task<> task) {
  if (state_->cancelled) return;
  auto child = std::make_unique<Child>(state_);
  const auto slot = child->signal.slot();
  launch(state_->loop.executor(), Child::live(std::move(child), std::move(task)), slot);
}

void Scope::cancel() {
  state_->cancel();
}

Task<> Scope::join() {
  const auto state = state_;
  Joiner joiner{*state};
  const bool throws = co_await boost::asio::this_coro::throw_if_cancelled();
  co_await boost::asio::this_coro::throw_if_cancelled(false);
  while (state->running > 0) {
    state->joiners.push_back(joiner);
    co_await joiner.wait_through();
  }
  co_await boost::asio::this_coro::throw_if_cancelled(throws);
  state->cancelled = false;
  if (auto failure = std::exchange(state->failure, nullptr)) std::rethrow_exception(failure);
  if (joiner.was_cancelled) throw_cancelled();
}

Task<> Scope::note_the_end(Task<> body, bool& ended_well) {
  try {
    co_await std::move(body);
    ended_well = true;
  } catch (...) {
    cancel();
    throw;
  }
}

Task<> Scope::run(Task<> body) {
  bool ended_well = false;
  start(note_the_end(std::move(body), ended_well));
  co_await join();
  if (!ended_well) throw_cancelled();
}

std::size_t Scope::size() const {
  return state_->running;
}

}  // namespace sluice
