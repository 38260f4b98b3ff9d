#include "tests/support/process.hpp"

#include <csignal>
#include <cstdlib>

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/base/ensure.hpp"

namespace sluice {

Process::Process(const Start& start) {
  int out[2];
  int err[2];
  ENSURE(::pipe2(out, O_CLOEXEC) == 0 && ::pipe2(err, O_CLOEXEC) == 0, "pipes for a process");
  std::vector<std::string> texts;
  for (const auto& [name, value] : start.environment) texts.push_back(std::string{name}.append("=").append(value));
  if (const char* path = std::getenv("PATH")) texts.push_back(std::string{"PATH="} + path);
  if (const char* profile = std::getenv("LLVM_PROFILE_FILE"))
    texts.push_back(std::string{"LLVM_PROFILE_FILE="} + profile);
  std::vector<char*> environment;
  for (auto& text : texts) environment.push_back(text.data());
  environment.push_back(nullptr);
  std::vector<std::string> words{start.program};
  words.insert(words.end(), start.arguments.begin(), start.arguments.end());
  std::vector<char*> arguments;
  for (auto& word : words) arguments.push_back(word.data());
  arguments.push_back(nullptr);

  pid_ = ::fork();
  ENSURE(pid_ >= 0, "a process is forked");
  if (pid_ == 0) {  // only calls that are safe between fork and exec
    ::dup2(out[1], STDOUT_FILENO);
    ::dup2(err[1], STDERR_FILENO);
    if (!start.folder.empty() && ::chdir(start.folder.c_str()) != 0) ::_exit(126);
    ::execve(arguments[0], arguments.data(), environment.data());
    ::_exit(127);
  }
  ::close(out[1]);
  ::close(err[1]);
  reads_out_ = std::thread{[this, descriptor = out[0]] { collect(descriptor, out_); }};
  reads_err_ = std::thread{[this, descriptor = err[0]] { collect(descriptor, err_); }};
}

Process::~Process() {
  if (code_ < 0) {
    signal(SIGKILL);
    wait();
  }
}

void Process::collect(int descriptor, std::string& into) {
  char buffer[4096];
  for (ssize_t n = 0; (n = ::read(descriptor, buffer, sizeof buffer)) > 0;) {
    const std::lock_guard lock{mutex_};
    into.append(buffer, static_cast<std::size_t>(n));
  }
  ::close(descriptor);
  const std::lock_guard lock{mutex_};
  if (&into == &out_) out_ended_ = true;
}

std::string Process::wait_for_output(const std::string& wanted, std::chrono::seconds limit) {
  const auto give_up = std::chrono::steady_clock::now() + limit;
  while (std::chrono::steady_clock::now() < give_up) {
    {
      const std::lock_guard lock{mutex_};
      if (const auto at = out_.find(wanted); at != std::string::npos) return out_.substr(at);
      if (out_ended_) return {};
    }
    std::this_thread::sleep_for(std::chrono::milliseconds{5});
  }
  return {};
}

void Process::signal(int number) const {
  ::kill(pid_, number);
}

int Process::wait() {
  if (code_ >= 0) return code_;
  int status = 0;
  while (::waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
  }
  code_ = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  reads_out_.join();
  reads_err_.join();
  return code_;
}

std::string Process::out() {
  const std::lock_guard lock{mutex_};
  return out_;
}
std::string Process::err() {
  const std::lock_guard lock{mutex_};
  return err_;
}

Ended run_process(const Process::Start& start) {
  Process process{start};
  const int code = process.wait();
  return {code, process.out(), process.err()};
}

}  // namespace sluice
