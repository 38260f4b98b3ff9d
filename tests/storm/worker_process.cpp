#include "tests/storm/worker_process.hpp"

#include <csignal>
#include <cstdlib>

#include <sys/wait.h>

namespace sluice::storm {

namespace {

std::map<std::string, std::string> environment_of(const WorkerProcess::Start& start, const std::string& marks) {
  auto environment = start.environment;
  environment["STORM_MARKS"] = marks;
  if (!start.slot.empty()) environment["SLUICE_INSTANCE"] = start.slot;
  return environment;
}

}  // namespace

WorkerProcess::WorkerProcess(const Start& start, std::filesystem::path marks, const Clock& clock)
    : clock_(clock),
      slot_(start.slot),
      life_{.marks = std::move(marks)},
      process_({.program = start.program,
                .arguments = start.arguments,
                .environment = environment_of(start, life_.marks.string())}) {}

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

bool WorkerProcess::has_ended() const {
  if (life_.over) return true;
  siginfo_t found{};
  const auto process = static_cast<id_t>(process_.pid());
  return ::waitid(P_PID, process, &found, WEXITED | WNOHANG | WNOWAIT) == 0 && found.si_pid != 0;
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
