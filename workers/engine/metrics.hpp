// An engine's figures as metrics, labelled by pool. Set once a second from the loop's thread; the hot path counts in
// plain numbers.
#pragma once

#include <array>
#include <map>
#include <string>
#include <vector>

#include "common/telemetry/metrics.hpp"
#include "workers/engine/dependency.hpp"
#include "workers/engine/engine.hpp"

namespace sluice::engine {

class EngineMetrics {
 public:
  EngineMetrics(Metrics& metrics, const std::string& pool);

  void show(const EngineFigures& figures, const Dependencies* dependencies);

 private:
  struct Shown {
    Counter counter;
    std::uint64_t shown = 0;

    void rise_to(std::uint64_t value) {
      if (value > shown) counter.add(static_cast<double>(value - shown));
      shown = value;
    }
  };
  struct OfDependency {
    Gauge open;
    Gauge tenants_open;
    Gauge calls;
    Gauge calls_max;
  };

  Metrics& metrics_;
  std::string pool_;
  Gauge running_, lanes_, records_, bytes_, parked_lanes_, parked_events_, partitions_, paused_, note_share_, lag_,
      watermark_age_, oldest_age_, watermarks_still_, handlers_late_;
  Shown finished_, dead_, tripped_, handlers_late_ever_, standstills_, long_lanes_, journal_dropped_;
  std::vector<Shown> tries_;  // by outcome, in the order of outcome_words
  std::map<std::string, OfDependency, std::less<>> dependencies_;
};

}  // namespace sluice::engine
