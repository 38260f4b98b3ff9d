#include "tests/bench/bench.hpp"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <ctime>

#include <fmt/format.h>

namespace sluice::bench {

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  const std::size_t middle = values.size() / 2;
  return values.size() % 2 == 1 ? values[middle] : (values[middle - 1] + values[middle]) / 2;
}

double seconds_of(const std::function<void()>& work) {
  const auto start = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

double cpu_seconds_of(const std::function<void()>& work) {
  const auto now = [] {
    timespec time{};
    ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) / 1e9;
  };
  const double start = now();
  work();
  return now() - start;
}

bool Report::wants(std::string_view name) const {
  const std::string_view only = options_.only;
  return only.empty() || name.starts_with(only) || only.starts_with(name);
}

void Report::heading() const {
  if (!options_.json)
    fmt::print("{:<44} {:>14} {:>14} {:>8}  {:<28} {:>5}\n", "FIGURE", "OURS", "BARE", "RATIO", "GOAL", "PAIRS");
}

void Report::run(const Pair& pair) {
  if (!wants(pair.name)) return;
  pair.ours();
  if (pair.baseline) pair.baseline();
  std::vector<double> ours;
  std::vector<double> bare;
  std::vector<double> ratios;
  for (int i = 0; i < options_.pairs; ++i) {
    const bool ours_first = i % 2 == 0;  // whoever comes second finds warm caches
    if (ours_first) ours.push_back(pair.ours());
    if (pair.baseline) bare.push_back(pair.baseline());
    if (!ours_first) ours.push_back(pair.ours());
    if (pair.baseline) ratios.push_back(ours.back() / bare.back());
  }
  print({.name = pair.name,
         .unit = pair.unit,
         .ours = median(ours),
         .baseline = bare.empty() ? 0 : median(bare),
         .ratio = ratios.empty() ? 0 : median(ratios),
         .goal = pair.goal,
         .pairs = options_.pairs});
}

void Report::once(const Pair& pair) {
  if (!wants(pair.name)) return;
  print({.name = pair.name, .unit = pair.unit, .ours = pair.ours(), .goal = pair.goal, .pairs = 1});
}

void Report::print(const Figure& figure) const {
  if (options_.json) {
    fmt::print(R"({{"name":"{}","unit":"{}","ours":{:.6g},"baseline":{:.6g},"ratio":{:.4g},"goal":"{}","pairs":{}}})"
               "\n",
               figure.name, figure.unit, figure.ours, figure.baseline, figure.ratio, figure.goal, figure.pairs);
  } else {
    const auto shown = [&](double value) { return fmt::format("{:.4g} {}", value, figure.unit); };
    fmt::print("{:<44} {:>14} {:>14} {:>8}  {:<28} {:>5}\n", figure.name, shown(figure.ours),
               figure.baseline == 0 ? std::string{"-"} : shown(figure.baseline),
               figure.ratio == 0 ? std::string{"-"} : fmt::format("{:.2f}", figure.ratio), figure.goal, figure.pairs);
  }
  std::fflush(stdout);
}

}  // namespace sluice::bench
