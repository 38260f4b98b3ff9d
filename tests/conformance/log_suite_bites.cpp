// Plays the whole suite once for each way to break a promise: every one of them must make some case fail, and the sound
// log none.
#include <doctest/doctest.h>

#include "tests/conformance/bites.hpp"
#include "tests/conformance/log_broken.hpp"
#include "tests/conformance/log_simulated_world.hpp"

namespace sluice::conformance {

namespace {

Mutation mutation = Mutation::none;

class BrokenWorld final : public AtomicSimulatedLogWorld {
 public:
  Log& log() override { return *broken_; }
  // Enough for a session to end; a broken log makes many cases wait in vain.
  [[nodiscard]] Duration patience() const override { return std::chrono::seconds{15}; }
  Task<> reopen() override {
    co_await AtomicSimulatedLogWorld::reopen();
    broken_ = std::make_unique<BrokenLog>(*log_, clock(), mutation);
  }
  Task<> crash() override {
    co_await AtomicSimulatedLogWorld::crash();
    broken_ = std::make_unique<BrokenLog>(*log_, clock(), mutation);
  }

 private:
  std::unique_ptr<BrokenLog> broken_ = std::make_unique<BrokenLog>(*log_, clock(), mutation);
};

constexpr Exception cannot[] = {{"atomic_is_refused", "this world is atomic"}};

std::unique_ptr<LogWorld> broken_world() {
  return std::make_unique<BrokenWorld>();
}

#define PLAY(function, sentence)                     \
  TEST_CASE(sentence) {                              \
    play(broken_world, cannot, #function, function); \
  }
SLUICE_LOG_CASES(PLAY)
#undef PLAY

#define SLUICE_LOG_MUTATION(name, sentence) {sentence, [] { mutation = Mutation::name; }},
const std::vector<Breakage> all_mutations = {SLUICE_LOG_MUTATIONS(SLUICE_LOG_MUTATION)};
#undef SLUICE_LOG_MUTATION

}  // namespace

}  // namespace sluice::conformance

int main() {
  return sluice::suite_bites("log", sluice::conformance::all_mutations) ? 0 : 1;
}
