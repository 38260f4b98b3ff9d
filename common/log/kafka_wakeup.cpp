#include "common/log/kafka_wakeup.hpp"

#include <array>

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include "common/base/ensure.hpp"

namespace sluice::log {

KafkaWakeup::KafkaWakeup() {
  std::array<int, 2> ends{};
  ENSURE(pipe2(ends.data(), O_NONBLOCK | O_CLOEXEC) == 0, "there is a pipe to wait on: raise the limit of open files");
  reading_ = ends[0];
  writing_ = ends[1];
}

KafkaWakeup::~KafkaWakeup() {
  close(writing_);
  close(reading_);
}

void KafkaWakeup::watch(rd_kafka_queue_t* queue, Name name) const {
  rd_kafka_queue_io_event_enable(queue, writing_, &name, sizeof name);
}

// One poke stands in the pipe at a time, and one name of each queue, so it is never full and no call is lost.
void KafkaWakeup::poke() {
  if (poked_.exchange(true)) return;
  const auto written = write(writing_, &poked, sizeof poked);
  ENSURE(written == sizeof poked, "there is room for a poke");
}

// Names are written whole: each is far shorter than what a pipe takes in one piece.
const std::vector<KafkaWakeup::Name>& KafkaWakeup::wait(std::chrono::milliseconds most) {
  called_.clear();
  pollfd ready{reading_, POLLIN, 0};
  if (::poll(&ready, 1, static_cast<int>(most.count())) <= 0) return called_;
  poked_ = false;
  std::array<Name, 256> names{};
  for (;;) {
    const auto bytes = read(reading_, names.data(), sizeof names);
    if (bytes <= 0) return called_;
    called_.insert(called_.end(), names.begin(), names.begin() + bytes / static_cast<ssize_t>(sizeof(Name)));
  }
}

}  // namespace sluice::log
