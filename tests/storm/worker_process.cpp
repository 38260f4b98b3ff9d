#include "tests/storm/worker_process.hpp"

#include <csignal>
#include <cstdlib>

namespace sluice::storm {

namespace {

std::map<std::string, std::string> with(std::map<std::string, std::string> environment, const std::string& marks) {
  environment["STORM_MARKS"] = marks;
  return environment;
}

}  // namespace

WorkerProcess::WorkerProcess(const Start& start, std::filesystem::path marks, const Clock& clock)
    : clock_(clock),
      life_{.marks = std::move(marks)},
      process_({.program = start.program,
                .arguments = start.arguments,
                .environment = with(start.environment, life_.marks.string())}) {}

std::optional<int> WorkerProcess::wait_until_ready() {
  const std::string wanted = "\"private_port\":";
  const auto line = process_.wait_for_output(wanted);
  if (line.empty()) return std::nullopt;
  return std::atoi(line.c_str() + wanted.size());
}

int WorkerProcess::kill() {
  process_.signal(SIGKILL);
  const int code = process_.wait();
  if (is_frozen()) life_.frozen.emplace_back(*std::exchange(frozen_since_, {}), clock_.now());
  life_.over = clock_.now();
  return code;
}

void WorkerProcess::terminate() {
  process_.signal(SIGTERM);
}

int WorkerProcess::wait() {
  const int code = process_.wait();
  life_.over = clock_.now();
  return code;
}

void WorkerProcess::freeze() {
  frozen_since_ = clock_.now();
  process_.signal(SIGSTOP);
}

void WorkerProcess::thaw() {
  life_.frozen.emplace_back(*std::exchange(frozen_since_, {}), clock_.now());
  process_.signal(SIGCONT);
}

}  // namespace sluice::storm
