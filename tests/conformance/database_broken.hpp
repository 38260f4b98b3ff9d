// A database that breaks one promise: whoever says that the suite proves a promise shows that it notices this.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/db/database.hpp"

namespace sluice::db::conformance {

#define SLUICE_DATABASE_MUTATIONS(X)                                           \
  X(splits_batches, "each statement of a batch is done by itself")             \
  X(ignores_expectations, "expectations are not looked at")                    \
  X(loses_a_batch, "one batch in ten is answered and not done")                \
  X(denies_a_batch, "one batch in ten is done and answered with unavailable")  \
  X(repeats_batches, "a batch without a conflict is done twice")               \
  X(reads_behind, "a read that counts answers with what it saw the last time") \
  X(mistakes_null_for_empty, "null is stored as empty text")                   \
  X(takes_any_text, "a NUL in a text is replaced")                             \
  X(takes_part_of_a_number, "an integer is stored with 53 bits")               \
  X(calls_conflicts_ours, "a conflict is called our own mistake")              \
  X(writes_rows_always, "a row that was there is said to have been written")   \
  X(mixes_up_rows, "every second row is answered with the row before it")      \
  X(forgets_notices, "notices are not told")                                   \
  X(tells_of_failures, "a batch that failed tells its notices")                \
  X(hears_everything, "a listener hears every channel")                        \
  X(listens_for_ever, "who stopped listening is called all the same")          \
  X(hides_overload, "overload is called unavailable")                          \
  X(goes_on_after_close, "a closed database still works")

enum class Mutation : std::uint8_t {
  none,
#define SLUICE_DATABASE_MUTATION(name, sentence) name,
  SLUICE_DATABASE_MUTATIONS(SLUICE_DATABASE_MUTATION)
#undef SLUICE_DATABASE_MUTATION
};

// Breaks what passes through it. The sound database must outlive it.
class BrokenDatabase final : public Database {
 public:
  BrokenDatabase(Database& sound, Mutation mutation) : sound_(sound), mutation_(mutation) {}

  Task<Result<std::vector<Rows>>> run(Batch batch) override;
  Task<Result<Rows>> read(Statement statement) override;
  Task<Result<Rows>> write_row(RowWrite write) override;
  std::unique_ptr<Listening> listen(std::string channel, std::function<void()> heard) override;
  Task<> close() override;

 private:
  [[nodiscard]] bool is(Mutation mutation) const { return mutation_ == mutation; }
  void break_values(std::vector<Value>& values) const;
  void break_batch(Batch& batch) const;
  void break_failure(Failure& failure) const;
  Task<> run_and_forget(Batch batch);
  Task<Result<std::vector<Rows>>> run_in_pieces(Batch batch);

  Database& sound_;
  Mutation mutation_;
  int batches_ = 0;
  std::map<std::string_view, Rows> last_read_;
  std::optional<Rows> last_row_;
  std::vector<std::unique_ptr<Listening>> never_ended_;
};

}  // namespace sluice::db::conformance
