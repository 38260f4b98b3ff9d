#include "common/telemetry/metrics.hpp"

#include <thread>
#include <vector>

#include <doctest/doctest.h>

using namespace sluice;

namespace {
bool has_line(const std::string& text, const std::string& line) {
  return ("\n" + text).find("\n" + line + "\n") != std::string::npos;
}
}  // namespace

TEST_CASE("counters gauges and histograms appear in the text format") {
  Metrics metrics;
  metrics.counter("sluice_messages_total", "Messages.", {{"pool", "send"}, {"outcome", "ok"}}).add(3);
  metrics.gauge("sluice_parked", "Parked.").set(7);
  metrics.histogram("sluice_duration_seconds", "Time.").observe(0.003);

  const std::string text = metrics.exposition();
  CHECK(has_line(text, R"(sluice_messages_total{outcome="ok",pool="send"} 3)"));
  CHECK(has_line(text, "sluice_parked 7"));
  CHECK(has_line(text, R"(sluice_duration_seconds_bucket{le="0.0025"} 0)"));
  CHECK(has_line(text, R"(sluice_duration_seconds_bucket{le="0.005"} 1)"));
  CHECK(has_line(text, R"(sluice_duration_seconds_bucket{le="+Inf"} 1)"));
  CHECK(has_line(text, "sluice_duration_seconds_count 1"));
  CHECK(text.ends_with("\n"));
}

TEST_CASE("a metric made at start shows its zero") {
  Metrics metrics;
  const auto counter = metrics.counter("sluice_lost_total", "Lost.");

  CHECK(has_line(metrics.exposition(), "sluice_lost_total 0"));
  CHECK(counter.value() == 0);
}

TEST_CASE("the same name and labels are the same cell") {
  Metrics metrics;
  metrics.counter("sluice_a_total", "A.", {{"pool", "crm"}}).add();
  metrics.counter("sluice_a_total", "A.", {{"pool", "crm"}}).add();

  CHECK(metrics.counter("sluice_a_total", "A.", {{"pool", "crm"}}).value() == 2);
}

TEST_CASE("values that somebody else keeps are read before each exposition") {
  Metrics metrics;
  const auto gauge = metrics.gauge("sluice_depth", "Depth.");
  double depth = 1;
  metrics.before_exposition([&] { gauge.set(depth); });

  CHECK(has_line(metrics.exposition(), "sluice_depth 1"));
  depth = 2;
  CHECK(has_line(metrics.exposition(), "sluice_depth 2"));
}

TEST_CASE("the process tells what it uses") {
  Metrics metrics;
  const std::string text = metrics.exposition();

  for (const char* name :
       {"process_cpu_seconds_total ", "process_resident_memory_bytes ", "process_open_fds ", "process_max_fds ",
        "process_threads ", "process_start_time_seconds ", "process_virtual_memory_bytes "}) {
    const auto at = text.find(std::string{"\n"} + name);
    REQUIRE_MESSAGE(at != std::string::npos, name);
    CHECK(std::stod(text.substr(at + 1 + std::string_view{name}.size())) >= 0);
  }
  CHECK(text.find("sluice_build_info{version=\"") != std::string::npos);
}

TEST_CASE("many threads count without losing one") {
  Metrics metrics;
  const auto counter = metrics.counter("sluice_b_total", "B.");
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&counter] {
      for (int n = 0; n < 10000; ++n) counter.add();
    });
  }
  for (auto& thread : threads) thread.join();

  CHECK(counter.value() == 40000);
}
