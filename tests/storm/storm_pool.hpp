// The pool of a storm: does what each event says, and notes when each run begins and ends.
#pragma once

#include <filesystem>

#include "common/db/database.hpp"
#include "common/store/effects.hpp"
#include "tests/storm/storm_event.hpp"
#include "workers/pools.hpp"

namespace sluice::storm {

// Marks of the runs of this process, appended to a file: what was written is there after SIGKILL.
class Marks {
 public:
  explicit Marks(const std::filesystem::path& file);
  Marks(const Marks&) = delete;
  Marks& operator=(const Marks&) = delete;
  ~Marks();
  void write(const Mark& mark) const;

 private:
  int file_ = -1;
};

class StormPool final : public engine::Handler {
 public:
  StormPool(db::Database& database, const std::filesystem::path& marks) : database_(database), marks_(marks) {}

  Task<engine::Outcome> handle(const event::Event& event, engine::Attempt& attempt) override;

 private:
  Task<engine::Outcome> run(const event::Event& event, const Planned& planned, engine::Attempt& attempt);
  Task<engine::Outcome> write_row(const event::Event& event, int number);

  // storm_effects.cpp
  Task<engine::Outcome> do_outside(const event::Event& event, int number, engine::Attempt& attempt);
  Task<engine::Outcome> attempt_effect(const event::Event& event, int number, engine::Attempt& attempt,
                                       store::Attempting attempting);
  Task<engine::Outcome> look_up(const event::Event& event, int number, engine::Attempt& attempt, store::Effect effect);

  db::Database& database_;
  Marks marks_;
};

engine::Outcome done_with_output(const event::Event& event);

workers::PoolRegistry storm_pools(const std::filesystem::path& marks);

}  // namespace sluice::storm
