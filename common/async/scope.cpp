#include "common/async/scope.hpp"

#include <exception>
#include <utility>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/error.hpp>
#include <boost/intrusive/list.hpp>
#include <boost/system/system_error.hpp>

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

  Task<> live(Task<> task) {
    try {
      Waiter turn;
      turn.wake();
      co_await turn.wait();
      co_await std::move(task);
    } catch (const boost::system::system_error& error) {
      if (error.code() != boost::asio::error::operation_aborted) failed(std::current_exception());
    } catch (...) {
      failed(std::current_exception());
    }
  }
  void failed(std::exception_ptr error) const {
    if (!scope->failure) scope->failure = std::move(error);
  }

  std::shared_ptr<State> scope;
  boost::asio::cancellation_signal signal;
};

// What Asio calls when a child's coroutine is over. Destroyed uncalled when the loop goes before the child ended.
struct Scope::Ended {
  std::unique_ptr<Child> child;

  void operator()(
      const std::
          exception_ptr& /*live() keeps it, unless it is the cancellation of a child that never began*/) noexcept {
    const auto scope = child->scope;
    child.reset();
    scope->one_ended();
  }
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
  auto life = child->live(std::move(task));
  boost::asio::co_spawn(state_->loop.executor(), std::move(life),
                        boost::asio::bind_cancellation_slot(slot, Ended{std::move(child)}));
}

void Scope::cancel() {
  state_->cancel();
}

Task<> Scope::join() {
  const auto state = state_;
  Joiner joiner{*state};
  while (state->running > 0) {
    state->joiners.push_back(joiner);
    co_await joiner.wait_through();
  }
  state->cancelled = false;
  if (auto failure = std::exchange(state->failure, nullptr)) std::rethrow_exception(failure);
  if (joiner.was_cancelled) throw_cancelled();
}

Task<> Scope::cancelling_on_failure(Task<> body) {
  try {
    co_await std::move(body);
  } catch (...) {
    cancel();
    throw;
  }
}

Task<> Scope::run(Task<> body) {
  start(cancelling_on_failure(std::move(body)));
  co_await join();
}

std::size_t Scope::size() const {
  return state_->running;
}

}  // namespace sluice
