// Plays the whole suite once for each way to break a promise: every one of them must make some case fail, and the sound
// database none.
#include <doctest/doctest.h>

#include "tests/conformance/bites.hpp"
#include "tests/conformance/database_broken.hpp"
#include "tests/conformance/database_simulated_world.hpp"

namespace sluice::db::conformance {

namespace {

Mutation mutation = Mutation::none;

class BrokenWorld final : public SimulatedDatabaseWorld {
 public:
  Database& database() override { return *broken_; }
  Task<> reopen() override {
    co_await SimulatedDatabaseWorld::reopen();
    broken_ = std::make_unique<BrokenDatabase>(SimulatedDatabaseWorld::database(), mutation);
  }

 private:
  std::unique_ptr<BrokenDatabase> broken_ =
      std::make_unique<BrokenDatabase>(SimulatedDatabaseWorld::database(), mutation);
};

std::unique_ptr<DatabaseWorld> broken_world() {
  return std::make_unique<BrokenWorld>();
}

#define PLAY(function, sentence)                 \
  TEST_CASE(sentence) {                          \
    play(broken_world, {}, #function, function); \
  }
SLUICE_DATABASE_CASES(PLAY)
#undef PLAY

#define SLUICE_DATABASE_MUTATION(name, sentence) {sentence, [] { mutation = Mutation::name; }},
const std::vector<Breakage> all_mutations = {SLUICE_DATABASE_MUTATIONS(SLUICE_DATABASE_MUTATION)};
#undef SLUICE_DATABASE_MUTATION

}  // namespace

}  // namespace sluice::db::conformance

int main() {
  return sluice::suite_bites("database", sluice::db::conformance::all_mutations) ? 0 : 1;
}
