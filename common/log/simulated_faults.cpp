#include "common/log/simulated_faults.hpp"

namespace sluice::log {

namespace {

using namespace std::chrono_literals;

double drawn_rate(Random& random) {
  switch (random.below(3)) {
    case 0:
      return 0;
    case 1:
      return 0.01 * random.unit();
    default:
      return 0.2 * random.unit();
  }
}

Duration drawn_time(Random& random, Duration shortest) {
  return random.below(2) == 0 ? Duration{} : random.between(shortest, 20 * shortest);
}

}  // namespace

FaultRates FaultRates::drawn(Random& random) {
  FaultRates rates;
  for (auto& rate : rates.rate) rate = drawn_rate(random);
  rates.every = {.lost_assignment = drawn_time(random, 5s),
                 .rebalance = drawn_time(random, 5s),
                 .freeze = drawn_time(random, 10s),
                 .outage = drawn_time(random, 10s),
                 .full_disk = drawn_time(random, 10s),
                 .jam = drawn_time(random, 10s)};
  rates.usual_max = random.between(rates.usual_min, 20ms);
  rates.zombie_max = random.between(0s, 10s);
  return rates;
}

void SimulatedFaults::strike_next(Fault fault, int times) {
  requested_[static_cast<std::size_t>(fault)] += times;
}

void SimulatedFaults::stop() {
  rates_ = FaultRates{};
  requested_.fill(0);
}

bool SimulatedFaults::strikes(Fault fault) {
  if (auto& requested = requested_[static_cast<std::size_t>(fault)]; requested > 0) {
    --requested;
    return true;
  }
  const auto rate = rates_[fault];
  return rate > 0 && random_.unit() < rate;
}

Duration SimulatedFaults::travel_time() {
  const auto usual = random_.between(rates_.usual_min, rates_.usual_max);
  return strikes(Fault::slow) ? random_.between(usual, rates_.slow_max) : usual;
}

std::int64_t SimulatedFaults::gap() {
  if (!strikes(Fault::gap)) return 0;
  return 1 + static_cast<std::int64_t>(random_.below(static_cast<std::uint64_t>(rates_.gap_max)));
}

Duration SimulatedFaults::until_next(Duration mean_time) {
  return random_.between(Duration{}, 2 * mean_time);
}

}  // namespace sluice::log
