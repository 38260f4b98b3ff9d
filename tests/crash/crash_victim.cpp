#include "tests/crash/crash_victim.hpp"

#include <array>
#include <chrono>
#include <csignal>
#include <cstring>

#include <poll.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fmt/format.h>

#include "common/base/ensure.hpp"

extern char** environ;  // NOLINT(readability-redundant-declaration): POSIX leaves it to the program to declare it

namespace sluice::crash {

Victim::Victim(const std::filesystem::path& file, const std::vector<std::int64_t>& numbers) {
  std::vector<std::string> words{SLUICE_CRASH_WRITER, file.string()};
  for (const auto number : numbers) words.push_back(fmt::format("{}", number));
  std::vector<char*> arguments;
  for (auto& word : words) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  std::array<int, 2> ends{};
  ENSURE(pipe(ends.data()) == 0, "a pipe");
  posix_spawn_file_actions_t actions{};
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
  posix_spawn_file_actions_addclose(&actions, ends[0]);
  posix_spawn_file_actions_addclose(&actions, ends[1]);
  const int spawned = posix_spawn(&pid_, arguments[0], &actions, nullptr, arguments.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  close(ends[1]);
  ear_ = ends[0];
  ENSURE(spawned == 0, "the writer starts");
}

Victim::~Victim() {
  kill();
  close(ear_);
}

void Victim::kill() {
  if (pid_ == -1) return;
  ::kill(pid_, SIGKILL);
  int status = 0;
  waitpid(pid_, &status, 0);
  was_killed_ = WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
  pid_ = -1;
}

std::vector<Said> Victim::live_and_die(const Clock& clock, bool until_ready, Duration after) {
  constexpr int ready_wait_max_ms = 30'000;
  while (until_ready && said_.empty()) {
    if (!listen(ready_wait_max_ms)) break;
  }
  const auto death = clock.now() + after;
  while (clock.now() < death) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(death - clock.now());
    if (!listen(static_cast<int>(left.count()))) break;
  }
  kill();
  while (listen(0)) {
  }
  return said_;
}

bool Victim::listen(int wait_ms) {
  pollfd ready{.fd = ear_, .events = POLLIN, .revents = 0};
  if (poll(&ready, 1, wait_ms) <= 0) return pid_ != -1;
  std::array<char, 65'536> bytes;
  const auto count = read(ear_, bytes.data(), bytes.size());
  if (count <= 0) return false;
  heard_.append(bytes.data(), static_cast<std::size_t>(count));
  std::size_t taken = 0;
  for (; heard_.size() - taken >= sizeof(Said); taken += sizeof(Said)) {
    std::memcpy(&said_.emplace_back(), heard_.data() + taken, sizeof(Said));
  }
  heard_.erase(0, taken);
  return true;
}

}  // namespace sluice::crash
