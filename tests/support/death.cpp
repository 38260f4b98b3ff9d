#include "tests/support/death.hpp"

#include <array>
#include <csignal>
#include <cstdio>

#include <sys/wait.h>
#include <unistd.h>

#include "common/base/ensure.hpp"

namespace sluice {

std::optional<std::string> last_words(const std::function<void()>& deed) {
  std::array<int, 2> ends{};
  ENSURE(pipe(ends.data()) == 0, "no pipe can be made");
  std::fflush(nullptr);
  const auto child = fork();
  ENSURE(child >= 0, "no process can be forked");
  if (child == 0) {
    std::signal(SIGABRT, SIG_DFL);  // the test framework would report it as a failure of the test
    dup2(ends[1], STDERR_FILENO);
    close(ends[0]);
    deed();
    _exit(0);
  }
  close(ends[1]);
  std::string said;
  std::array<char, 1024> piece{};
  for (;;) {
    const auto bytes = read(ends[0], piece.data(), piece.size());
    if (bytes <= 0) break;
    said.append(piece.data(), static_cast<std::size_t>(bytes));
  }
  close(ends[0]);
  int status = 0;
  waitpid(child, &status, 0);
  if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGABRT) return std::nullopt;
  return said;
}

bool dies_saying(const std::string& words, const std::function<void()>& deed) {
  const auto said = last_words(deed);
  return said && said->find(words) != std::string::npos;
}

}  // namespace sluice
