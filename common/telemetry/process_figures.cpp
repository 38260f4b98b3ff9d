#include "common/telemetry/process_figures.hpp"

#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/registry.h>
#include <sys/resource.h>
#include <unistd.h>

namespace sluice {
namespace {

struct Figures {
  double cpu_seconds = 0;
  double resident_bytes = 0;
  double virtual_bytes = 0;
  double threads = 0;
  double start_seconds = 0;  // since the epoch
};

// Fields of /proc/self/stat behind the process's name, which may itself hold spaces and brackets.
Figures read_figures() {
  std::ifstream file{"/proc/self/stat"};
  std::string line;
  std::getline(file, line);
  const auto name_end = line.rfind(')');
  if (name_end == std::string::npos) return {};
  std::istringstream rest{line.substr(name_end + 2)};
  std::vector<double> numbers;
  std::string word;
  rest >> word;  // state
  for (double number = 0; rest >> number;) numbers.push_back(number);
  constexpr std::size_t user_time = 10, system_time = 11, thread_count = 16, start = 18, virtual_size = 19,
                        resident_pages = 20;
  if (numbers.size() <= resident_pages) return {};
  const auto ticks = static_cast<double>(sysconf(_SC_CLK_TCK));
  double booted = 0;
  std::ifstream stat{"/proc/stat"};
  while (stat >> word) {
    if (word == "btime" && stat >> booted) break;
  }
  return {.cpu_seconds = (numbers[user_time] + numbers[system_time]) / ticks,
          .resident_bytes = numbers[resident_pages] * static_cast<double>(sysconf(_SC_PAGESIZE)),
          .virtual_bytes = numbers[virtual_size],
          .threads = numbers[thread_count],
          .start_seconds = booted + numbers[start] / ticks};
}

double open_descriptors() {
  std::error_code failed;
  double count = 0;
  for (std::filesystem::directory_iterator at{"/proc/self/fd", failed}, end; !failed && at != end; at.increment(failed))
    ++count;
  return count;
}

}  // namespace

void expose_process_figures(prometheus::Registry& registry,
                            const std::function<void(std::function<void()>)>& before_exposition) {
  const auto gauge = [&](const char* name, const char* help) {
    return &prometheus::BuildGauge().Name(name).Help(help).Register(registry).Add({});
  };
  auto& cpu =
      prometheus::BuildCounter().Name("process_cpu_seconds_total").Help("CPU time used.").Register(registry).Add({});
  auto* resident = gauge("process_resident_memory_bytes", "Memory in RAM.");
  auto* virtual_size = gauge("process_virtual_memory_bytes", "Address space in use.");
  auto* threads = gauge("process_threads", "Threads.");
  auto* open = gauge("process_open_fds", "Open file descriptors.");
  auto* open_max = gauge("process_max_fds", "File descriptors allowed.");
  auto* start = gauge("process_start_time_seconds", "Start, in seconds since the epoch.");
  before_exposition([=, &cpu] {
    const auto figures = read_figures();
    cpu.Increment(std::max(0.0, figures.cpu_seconds - cpu.Value()));
    resident->Set(figures.resident_bytes);
    virtual_size->Set(figures.virtual_bytes);
    threads->Set(figures.threads);
    start->Set(figures.start_seconds);
    open->Set(open_descriptors());
    rlimit limit{};
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) open_max->Set(static_cast<double>(limit.rlim_cur));
  });
}

}  // namespace sluice
