// What can go wrong in a simulated log: by chance, at rates that a seed draws, or on request.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "common/async/random.hpp"

namespace sluice::log {

// What can befall a single message or answer.
enum class Fault : std::uint8_t {
  duplicate,      // the records of an append are stored twice, as a producer that tries again does
  gap,            // offsets are left out
  overloaded,     // an append is refused at once
  unavailable,    // an append, commit or reading fails and nothing was done
  exhausted,      // the disk refuses an append or a commit
  maybe_written,  // an append or a commit answers maybe_done, and was done
  maybe_not,      // an append or a commit answers maybe_done, and wasn't
  slow,           // a message takes up to `slow_max` instead of its usual time
  short_batch,    // fewer records are told at once than could be
};
constexpr std::size_t fault_count = 9;

// What can befall the whole at any time, each with a mean time between two of them; zero: never.
struct Disturbances {
  Duration lost_assignment{};  // a member is expelled from its group and keeps believing for up to `zombie_max`
  Duration rebalance{};        // a group revokes and assigns everything without need
  Duration freeze{};           // a process stands still for 1 s up to `freeze_max`
  Duration outage{};           // the broker is away for up to `outage_max`
  Duration full_disk{};        // every append and commit is exhausted for up to `outage_max`
  Duration jam{};              // every append is overloaded for up to `outage_max`
};

struct FaultRates {
  std::array<double, fault_count> rate{};  // by Fault, 0 to 1
  Disturbances every;
  Duration usual_min = std::chrono::microseconds{100};  // what a message takes
  Duration usual_max = std::chrono::microseconds{100};
  Duration slow_max = std::chrono::seconds{5};
  Duration zombie_max = std::chrono::milliseconds{1};  // between losing a partition and hearing of it
  Duration freeze_max = std::chrono::seconds{300};
  Duration outage_max = std::chrono::seconds{20};
  std::int64_t gap_max = 5;

  // A mixture: each kind is absent, rare or frequent.
  static FaultRates drawn(Random& random);

  double& operator[](Fault fault) { return rate[static_cast<std::size_t>(fault)]; }
  double operator[](Fault fault) const { return rate[static_cast<std::size_t>(fault)]; }
};

// The decisions, taken one by one from the seed.
class SimulatedFaults {
 public:
  explicit SimulatedFaults(Random& random) : random_(random) {}

  void set(const FaultRates& rates) { rates_ = rates; }
  void strike_next(Fault fault, int times = 1);  // the next ones that it can befall
  void stop();                                   // nothing goes wrong any more, requests included

  [[nodiscard]] bool strikes(Fault fault);
  [[nodiscard]] Duration travel_time();
  [[nodiscard]] Duration zombie_time() { return random_.between(Duration{}, rates_.zombie_max); }
  [[nodiscard]] std::int64_t gap();                       // 0 when none
  [[nodiscard]] Duration until_next(Duration mean_time);  // about that long

  [[nodiscard]] const FaultRates& rates() const { return rates_; }
  [[nodiscard]] Random& random() { return random_; }

 private:
  Random& random_;
  FaultRates rates_;
  std::array<int, fault_count> requested_{};
};

}  // namespace sluice::log
