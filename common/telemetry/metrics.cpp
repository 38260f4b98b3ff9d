#include "common/telemetry/metrics.hpp"

#include <algorithm>
#include <array>
#include <mutex>

#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>

#include "common/base/ensure.hpp"
#include "common/telemetry/process_figures.hpp"
#include "common/telemetry/version.hpp"

namespace sluice {
namespace {

constexpr std::array<std::string_view, 10> labels_allowed{"pool",  "tenant", "outcome", "class",   "dependency",
                                                          "level", "part",   "state",   "version", "reason"};

prometheus::Labels checked(std::string_view name, Labels labels) {
  ENSURE(name.starts_with("sluice_"), "a metric's name starts with sluice_");
  prometheus::Labels result;
  for (const auto& [label, value] : labels) {
    const bool known = std::find(labels_allowed.begin(), labels_allowed.end(), label) != labels_allowed.end();
    ENSURE(known, "a metric's label is one of the closed list");
    result.emplace(label, value);
  }
  return result;
}

}  // namespace

struct Metrics::Families {
  std::mutex mutex;  // of the two lists; cells are atomic
  prometheus::Registry registry{prometheus::Registry::InsertBehavior::Merge};
  std::vector<std::function<void()>> refreshes;
};

void Counter::add(double amount) const {
  static_cast<prometheus::Counter*>(cell_)->Increment(amount);
}
double Counter::value() const {
  return static_cast<prometheus::Counter*>(cell_)->Value();
}
void Gauge::set(double value) const {
  static_cast<prometheus::Gauge*>(cell_)->Set(value);
}
void Gauge::add(double amount) const {
  static_cast<prometheus::Gauge*>(cell_)->Increment(amount);
}
double Gauge::value() const {
  return static_cast<prometheus::Gauge*>(cell_)->Value();
}
void Histogram::observe(double value) const {
  static_cast<prometheus::Histogram*>(cell_)->Observe(value);
}

const std::vector<double>& duration_buckets() {
  static const std::vector<double> buckets{0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05,
                                           0.1,    0.25,  0.5,    1,     2.5,  5,     10};
  return buckets;
}

Metrics::Metrics() : families_(std::make_unique<Families>()) {
  gauge("sluice_build_info", "What runs here.", {{"version", build_version()}}).set(1);
  expose_process_figures(families_->registry,
                         [this](std::function<void()> refresh) { before_exposition(std::move(refresh)); });
}
Metrics::~Metrics() = default;

Counter Metrics::counter(std::string_view name, std::string_view help, Labels labels) {
  ENSURE(name.ends_with("_total"), "a counter's name ends with _total");
  const auto checked_labels = checked(name, labels);
  auto& family =
      prometheus::BuildCounter().Name(std::string{name}).Help(std::string{help}).Register(families_->registry);
  return Counter{&family.Add(checked_labels)};
}

Gauge Metrics::gauge(std::string_view name, std::string_view help, Labels labels) {
  const auto checked_labels = checked(name, labels);
  auto& family = prometheus::BuildGauge().Name(std::string{name}).Help(std::string{help}).Register(families_->registry);
  return Gauge{&family.Add(checked_labels)};
}

Histogram Metrics::histogram(std::string_view name, std::string_view help, Labels labels,
                             const std::vector<double>& buckets) {
  const auto checked_labels = checked(name, labels);
  auto& family =
      prometheus::BuildHistogram().Name(std::string{name}).Help(std::string{help}).Register(families_->registry);
  return Histogram{&family.Add(checked_labels, buckets)};
}

void Metrics::before_exposition(std::function<void()> refresh) {
  const std::lock_guard lock{families_->mutex};
  families_->refreshes.push_back(std::move(refresh));
}

std::string Metrics::exposition() const {
  std::vector<std::function<void()>> refreshes;
  {
    const std::lock_guard lock{families_->mutex};
    refreshes = families_->refreshes;
  }
  for (const auto& refresh : refreshes) refresh();
  return prometheus::TextSerializer{}.Serialize(families_->registry.Collect());
}

}  // namespace sluice
