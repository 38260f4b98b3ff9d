#include "common/process/signals.hpp"

#include <csignal>
#include <cstdlib>

#include <sys/resource.h>
#include <unistd.h>

namespace sluice {

namespace {
constexpr int exit_at_second_signal = 130;
extern "C" void end_at_once(int) {
  ::_exit(exit_at_second_signal);
}
}  // namespace

void prepare_process() {
  std::signal(SIGPIPE, SIG_IGN);
  const rlimit no_core{0, 0};  // secrets and customers' texts must not end up in a core file
  ::setrlimit(RLIMIT_CORE, &no_core);
  rlimit files{};
  if (::getrlimit(RLIMIT_NOFILE, &files) == 0 && files.rlim_cur < files.rlim_max) {
    files.rlim_cur = files.rlim_max;
    ::setrlimit(RLIMIT_NOFILE, &files);
  }
}

StopSignals::StopSignals(Loop& loop) : signals_(loop.executor(), SIGTERM, SIGINT) {}

Task<int> StopSignals::wait() {
  const int which = co_await signals_.async_wait(boost::asio::use_awaitable_t<Executor>{});
  signals_.clear();
  std::signal(SIGTERM, end_at_once);
  std::signal(SIGINT, end_at_once);
  co_return which;
}

}  // namespace sluice
