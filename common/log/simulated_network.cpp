#include "common/log/simulated_network.hpp"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

namespace sluice::log {

void SimulatedNetwork::request(const std::shared_ptr<SimulatedProcess>& from,
                               std::vector<SimulatedProcess::Channel> channels, WhenAway when_away, Work at_broker) {
  if (!from->exchange()) return;
  auto due = from->departure(now()) + faults.travel_time();
  for (const auto channel : channels) due = std::max(due, from->channel_busy_until[channel]);
  for (const auto channel : channels) from->channel_busy_until[channel] = due;
  auto request = std::make_shared<SimulatedProcess::Request>();
  request->channels = std::move(channels);
  request->at_broker = std::move(at_broker);
  request->leaves_at_thaw = from->frozen();
  from->requests.push_back(request.get());
  at(due, [this, from, request, when_away] { arrive(from, request, when_away); });
}

void SimulatedNetwork::arrive(const std::shared_ptr<SimulatedProcess>& from,
                              const std::shared_ptr<SimulatedProcess::Request>& request, WhenAway when_away) {
  if (!request->lost && away() && when_away == WhenAway::waits) {
    for (const auto channel : request->channels) {
      auto& busy_until = from->channel_busy_until[channel];
      busy_until = std::max(busy_until, away_until_);
    }
    at(away_until_, [this, from, request, when_away] { arrive(from, request, when_away); });
    return;
  }
  std::erase(from->requests, request.get());
  if (!request->lost) request->at_broker();
}

void SimulatedNetwork::answer(const std::shared_ptr<SimulatedProcess>& to, Work at_process) {
  at(now() + faults.travel_time(), [to, work = std::move(at_process)]() mutable { to->receive(std::move(work)); });
}

SimulatedNetwork::Fate SimulatedNetwork::fate_of_write() {
  if (away() || faults.strikes(Fault::unavailable)) return Fate::unavailable;
  if (now() < full_until_ || faults.strikes(Fault::exhausted)) return Fate::exhausted;
  if (faults.strikes(Fault::maybe_written)) return Fate::maybe_written;
  if (faults.strikes(Fault::maybe_not)) return Fate::maybe_not;
  return Fate::done;
}

Failure SimulatedNetwork::failure_of(Fate fate) {
  switch (fate) {
    case Fate::exhausted:
      return {Kind::exhausted, "the simulated disk is full"};
    case Fate::maybe_written:
    case Fate::maybe_not:
      return {Kind::maybe_done, "the simulated broker's answer was lost"};
    default:
      return {Kind::unavailable, "the simulated broker cannot be reached"};
  }
}

void SimulatedNetwork::outage(Duration time) {
  step(nullptr, fmt::format("the broker is away for {} ms", time / std::chrono::milliseconds{1}));
  away_until_ = std::max(away_until_, now() + time);
}

void SimulatedNetwork::full_disk(Duration time) {
  step(nullptr, fmt::format("the disk is full for {} ms", time / std::chrono::milliseconds{1}));
  full_until_ = std::max(full_until_, now() + time);
}

void SimulatedNetwork::jam(Duration time) {
  step(nullptr, fmt::format("appends are jammed for {} ms", time / std::chrono::milliseconds{1}));
  jammed_until_ = std::max(jammed_until_, now() + time);
}

void SimulatedNetwork::heal() {
  step(nullptr, "faults stop");
  faults.stop();
  away_until_ = full_until_ = jammed_until_ = now();
}

void SimulatedNetwork::step(const SimulatedProcess* who, std::string_view what) {
  if (!on_step) return;
  on_step(fmt::format("{:>14.6f} {} {}", std::chrono::duration<double>(now().time_since_epoch()).count(),
                      who == nullptr ? std::string{"-"} : who->name(), what));
}

}  // namespace sluice::log
