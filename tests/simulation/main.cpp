// sluice-sim: plays seeds of the engine's simulation and says which of them break a promise.
#include <atomic>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

#include <fmt/format.h>
#include <unistd.h>

#include "tests/simulation/simulation.hpp"

namespace {

struct Wishes {
  std::uint64_t seed = 1;
  std::uint64_t count = 1;
  bool history = false;
  bool twice = false;    // each seed twice: the histories must be equal
  bool figures = false;  // what happened, at the end
};

std::atomic<std::uint64_t> playing{0};
const std::string* playing_history = nullptr;  // to be shown when the program stops itself

// A broken ENSURE ends the program; the line that reproduces it must be there all the same.
void say_where(int /*signal*/) {
  if (playing_history != nullptr) std::fputs(playing_history->c_str(), stdout);
  std::fflush(stdout);
  const std::string line =
      fmt::format("sluice-sim --seed {} --count 1 --history: the engine keeps its own assertions: one stopped it\n",
                  playing.load());
  [[maybe_unused]] const auto written = ::write(STDOUT_FILENO, line.data(), line.size());
  std::signal(SIGABRT, SIG_DFL);
  std::abort();
}

int usage() {
  std::fputs("usage: sluice-sim [--seed N] [--count M] [--history] [--twice] [--figures]\n", stderr);
  return 64;
}

bool read(int count, char** arguments, Wishes& wishes) {
  if (const char* seed = std::getenv("TEST_SEED")) wishes.seed = std::strtoull(seed, nullptr, 10);
  for (int i = 1; i < count; ++i) {
    const std::string_view word = arguments[i];
    const bool with_number = i + 1 < count;
    if (word == "--history") {
      wishes.history = true;
    } else if (word == "--twice") {
      wishes.twice = true;
    } else if (word == "--figures") {
      wishes.figures = true;
    } else if (word == "--seed" && with_number) {
      wishes.seed = std::strtoull(arguments[++i], nullptr, 10);
    } else if (word == "--count" && with_number) {
      wishes.count = std::strtoull(arguments[++i], nullptr, 10);
    } else {
      return false;
    }
  }
  return true;
}

std::string history_of(std::uint64_t seed) {
  sluice::simulation::Simulation simulation{seed, true};
  simulation.run();
  return simulation.history();
}

}  // namespace

int main(int count, char** arguments) {
  Wishes wishes;
  if (!read(count, arguments, wishes)) return usage();
  std::signal(SIGABRT, say_where);
  std::uint64_t passed = 0;
  std::uint64_t failed = 0;
  sluice::simulation::Simulation::Figures sum;
  for (std::uint64_t seed = wishes.seed; seed < wishes.seed + wishes.count; ++seed) {
    playing = seed;
    sluice::simulation::Simulation simulation{seed, wishes.history || wishes.twice};
    playing_history = wishes.history ? &simulation.history() : nullptr;
    simulation.run();
    playing_history = nullptr;
    auto broken = simulation.what_broke();
    if (!broken && wishes.twice && simulation.history() != history_of(seed))
      broken = "the same seed makes the same history: this one made another";
    if (wishes.history) std::fputs(simulation.history().c_str(), stdout);
    if (broken) fmt::print("sluice-sim --seed {} --count 1 --history: {}\n", seed, *broken);
    std::fflush(stdout);
    ++(broken ? failed : passed);
    const auto figures = simulation.figures();
    sum.events += figures.events;
    sum.runs += figures.runs;
    sum.crashes += figures.crashes;
    sum.stops += figures.stops;
    sum.orphans += figures.orphans;
    sum.killed += figures.killed;
    sum.held += figures.held;
    sum.trips += figures.trips;
  }
  if (wishes.figures)
    fmt::print(
        "{} events, {} runs of handlers, {} crashes, {} of them by an event, {} stops, {} orphans, {} dead letters "
        "that "
        "held others, {} trips of the dead-letter breaker\n",
        sum.events, sum.runs, sum.crashes, sum.killed, sum.stops, sum.orphans, sum.held, sum.trips);
  fmt::print("{} passed, {} failed\n", passed, failed);
  return failed == 0 ? 0 : 1;
}
