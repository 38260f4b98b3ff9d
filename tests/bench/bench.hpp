// Figures in pairs: ours and the bare library, alternating in the same run, so that the machine's mood cancels out.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::bench {

enum class Better : std::uint8_t { higher, lower };

struct Figure {
  std::string name;
  std::string unit;
  double ours = 0;
  double baseline = 0;  // 0: there is no bare library to stand beside, the goal is absolute
  double ratio = 0;     // the median over the pairs, not the ratio of the medians
  std::string goal;
  int pairs = 0;
};

struct Pair {
  std::string name;
  std::string unit;
  std::string goal;
  std::function<double()> ours;
  std::function<double()> baseline = {};
};

struct Options {
  int pairs = 5;
  bool json = false;
  std::string only;  // a name's beginning; empty: all
};

class Report {
 public:
  explicit Report(Options options) : options_(std::move(options)) {}

  [[nodiscard]] bool wants(std::string_view name) const;  // so that nothing is prepared in vain
  void run(const Pair& pair);                             // one warm-up of each side, then the pairs; prints at once
  void once(const Pair& pair);                            // ours alone and a single time, for what takes minutes
  void heading() const;

 private:
  void print(const Figure& figure) const;
  Options options_;
};

double median(std::vector<double> values);
double seconds_of(const std::function<void()>& work);      // wall time
double cpu_seconds_of(const std::function<void()>& work);  // of the whole process

// In the order in which they are printed.
void loop_bench(Report& report);
void event_bench(Report& report);
void sqlite_bench(Report& report);
void database_bench(Report& report);
void engine_bench(Report& report);
void engine_kafka_bench(Report& report);
void engine_handover_bench(Report& report);
void kafka_bench(Report& report);

}  // namespace sluice::bench
