#include "common/process/readiness.hpp"

#include <fmt/format.h>
#include <algorithm>
#include <utility>

#include "common/telemetry/logger.hpp"

namespace sluice {

Readiness::Readiness(const Clock& clock) : clock_(clock), last_turn_(clock.now().time_since_epoch().count()) {}

void Readiness::turned() {
  last_turn_.store(clock_.now().time_since_epoch().count());
}

void Readiness::part(const std::string& name, bool fit, std::string detail) {
  parts_.with([&](auto& parts) { parts[name] = Part{fit, std::move(detail)}; });
}

bool Readiness::alive() const {
  return clock_.now().time_since_epoch() - Duration{last_turn_.load()} <= turn_max;
}

bool Readiness::ready() const {
  if (draining_.load() || !alive()) return false;
  return parts_.with([](const auto& parts) {
    return !parts.empty() && std::all_of(parts.begin(), parts.end(), [](const auto& part) { return part.second.fit; });
  });
}

std::string Readiness::parts() const {
  constexpr std::size_t detail_bytes_max = 500;
  std::string json =
      fmt::format(R"({{"ready":{},"alive":{},"draining":{},"parts":{{)", ready(), alive(), draining_.load());
  parts_.with([&](const auto& parts) {
    bool first = true;
    for (const auto& [name, part] : parts) {
      if (!std::exchange(first, false)) json += ',';
      append_json_text(json, name, detail_bytes_max);
      json += fmt::format(R"(:{{"ok":{},"detail":)", part.fit);
      append_json_text(json, part.detail, detail_bytes_max);
      json += '}';
    }
  });
  return json + "}}\n";
}

Task<> keep_turning(Readiness& readiness, Clock& clock) {
  while (true) {
    readiness.turned();
    co_await clock.sleep_for(std::chrono::seconds{1});
  }
}

}  // namespace sluice
