#include "common/async/scope.hpp"

#include <exception>
#include <utility>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/intrusive/list.hpp>

#include "common/async/spawn.hpp"
#include "common/async/waiter.hpp"
#include "common/base/ensure.hpp"

namespace sluice {

using ChildHook = boost::intrusive::list_base_hook<boost::intrusive::link_mode<boost::intrusive::auto_unlink>>;

struct Scope::Child : ChildHook {
  explicit Child(std::shared_ptr<State> its_scope) : scope(std::move(its_scope)) {}

  std::shared_ptr<State> scope;
  boost::asio::cancellation_signal signal;
};

struct Scope::State {
  explicit State(Loop& its_loop) : loop(its_loop) {}

  void cancel() {
    cancelled = true;
    for (auto& child : children) child.signal.emit(boost::asio::cancellation_type::terminal);
  }

  void ended(std::exception_ptr error) {
    if (error && !failure && !is_cancellation(error)) failure = std::move(error);
    --running;
    if (running > 0) return;
    while (!joiners.empty()) joiners.front().wake();
  }

  Loop& loop;
  boost::intrusive::list<Child, boost::intrusive::constant_time_size<false>> children;
  std::size_t running = 0;
  WaitList joiners;
  std::exception_ptr failure;
  bool cancelled = false;
};

// What Asio calls when a child's coroutine is over. Destroyed uncalled when the loop goes before the child ended.
struct Scope::Ended {
  std::unique_ptr<Child> child;

  void operator()(std::exception_ptr error) noexcept {
    const auto ended = std::move(child);
    const auto scope = ended->scope;
    scope->ended(std::move(error));
  }
};

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
  state_->children.push_back(*child);
  ++state_->running;
  const auto slot = child->signal.slot();
  boost::asio::co_spawn(state_->loop.executor(), in_next_turn(std::move(task)),
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
