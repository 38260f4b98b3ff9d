// A program run as a process of its own, with its output collected.
#pragma once

#include <chrono>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include <sys/types.h>

namespace sluice {

class Process {
 public:
  struct Start {
    std::string program;
    std::vector<std::string> arguments = {};
    std::map<std::string, std::string> environment = {};  // all of it: nothing is inherited but PATH
    std::string folder = {};                              // empty: where the test runs
  };
  explicit Process(const Start& start);
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;
  ~Process();  // kills it when it still runs

  // The text behind which `wanted` has appeared in stdout; empty when the process ended or `limit` passed without it.
  std::string wait_for_output(const std::string& wanted, std::chrono::seconds limit = std::chrono::seconds{60});
  void signal(int number) const;
  int wait();  // its exit code, or 128 + the signal that ended it

  [[nodiscard]] pid_t pid() const { return pid_; }
  [[nodiscard]] std::string out();
  [[nodiscard]] std::string err();

 private:
  void collect(int descriptor, std::string& into);

  pid_t pid_ = -1;
  int code_ = -1;
  std::mutex mutex_;
  std::string out_;
  std::string err_;
  bool out_ended_ = false;
  std::thread reads_out_;
  std::thread reads_err_;
};

struct Ended {
  int code = 0;
  std::string out;
  std::string err;
};
Ended run_process(const Process::Start& start);

}  // namespace sluice
