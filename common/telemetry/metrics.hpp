// Prometheus metrics. Names start with sluice_, labels come from a closed list and never carry an id; every combination
// that can occur is made at start, so that a rate is never missing its zero.
#pragma once

#include <functional>
#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sluice {

using Labels = std::initializer_list<std::pair<std::string_view, std::string_view>>;

// Handles are cheap to copy, may be used from any thread and stay valid as long as their Metrics.
class Counter {
 public:
  void add(double amount = 1) const;
  [[nodiscard]] double value() const;

 private:
  friend class Metrics;
  explicit Counter(void* cell) : cell_(cell) {}
  void* cell_;
};

class Gauge {
 public:
  void set(double value) const;
  void add(double amount) const;
  [[nodiscard]] double value() const;

 private:
  friend class Metrics;
  explicit Gauge(void* cell) : cell_(cell) {}
  void* cell_;
};

class Histogram {
 public:
  void observe(double value) const;

 private:
  friend class Metrics;
  explicit Histogram(void* cell) : cell_(cell) {}
  void* cell_;
};

// Seconds, from half a millisecond to ten seconds.
const std::vector<double>& duration_buckets();

class Metrics {
 public:
  Metrics();  // with sluice_build_info and the process_ families
  Metrics(const Metrics&) = delete;
  Metrics& operator=(const Metrics&) = delete;
  ~Metrics();

  // The same name and labels give the same cell. A name or label outside the rules is a mistake of ours (ENSURE).
  Counter counter(std::string_view name, std::string_view help, Labels labels = {});
  Gauge gauge(std::string_view name, std::string_view help, Labels labels = {});
  Histogram histogram(std::string_view name, std::string_view help, Labels labels = {},
                      const std::vector<double>& buckets = duration_buckets());

  // Called before each exposition, for values that somebody else keeps.
  void before_exposition(std::function<void()> refresh);

  [[nodiscard]] std::string exposition() const;  // text format 0.0.4

 private:
  struct Families;
  std::unique_ptr<Families> families_;
};

}  // namespace sluice
