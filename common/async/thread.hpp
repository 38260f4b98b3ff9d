// A thread with a name that is joined at its end.
#pragma once

#include <string>
#include <thread>

#include "common/async/work.hpp"

namespace sluice {

class Thread {
 public:
  Thread() = default;

  // The name is what `top -H` and a debugger show; the system keeps its first 15 bytes.
  Thread(std::string name, Work body);
  Thread(Thread&&) noexcept = default;
  Thread& operator=(Thread&& other) noexcept;  // joins the thread it held
  ~Thread() { join(); }

  void join();  // a second time does nothing

 private:
  std::thread thread_;
};

}  // namespace sluice
