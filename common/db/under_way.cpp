#include "common/db/under_way.hpp"

#include <utility>

#include <boost/asio/this_coro.hpp>

namespace sluice::db {

UnderWay::Ticket::~Ticket() {
  if (!state_) return;  // moved from
  const auto waiting = state_->with([](State& state) {
    state.inside -= 1;
    return state.inside == 0 ? std::exchange(state.waiting, {}) : decltype(state.waiting){};
  });
  for (const auto& closing : waiting) closing->give_from(true);
}

std::optional<UnderWay::Ticket> UnderWay::enter() {
  const bool entered = state_->with([](State& state) {
    if (!state.closed) state.inside += 1;
    return !state.closed;
  });
  if (!entered) return std::nullopt;
  return Ticket{state_};
}

Task<> UnderWay::close() {
  auto& loop = Loop::of(co_await boost::asio::this_coro::executor);
  const auto everybody_out = Reply<bool>::on(loop);
  state_->with([&](State& state) {
    state.closed = true;
    if (state.inside > 0) {
      state.waiting.push_back(everybody_out);
    } else {
      everybody_out->give(true);
    }
  });
  auto waiting = everybody_out->wait();
  co_await std::move(waiting);
}

}  // namespace sluice::db
