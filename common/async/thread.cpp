#include "common/async/thread.hpp"

#include <utility>

#include <pthread.h>

namespace sluice {

Thread::Thread(std::string name, Work body)
    : thread_([name = std::move(name), body = std::move(body)]() mutable {
        constexpr std::size_t name_bytes_max = 15;
        pthread_setname_np(pthread_self(), name.substr(0, name_bytes_max).c_str());
        body();
      }) {}

Thread& Thread::operator=(Thread&& other) noexcept {
  if (this != &other) {
    join();
    thread_ = std::move(other.thread_);
  }
  return *this;
}

void Thread::join() {
  if (thread_.joinable()) thread_.join();
}

}  // namespace sluice
