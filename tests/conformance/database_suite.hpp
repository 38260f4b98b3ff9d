// One suite for every database: a world says how its store is opened, crashed and taken away, the cases say what must
// hold. How to add a world: README.md of this folder.
#pragma once

#include <chrono>
#include <memory>
#include <span>
#include <string_view>

#include "common/async/clock.hpp"
#include "common/async/loop.hpp"
#include "common/async/task.hpp"
#include "common/db/database.hpp"

namespace sluice::db::conformance {

// Everything that a case may do to a database beside using it. One world lives for one case and begins with a store of
// its own that holds no table.
class DatabaseWorld {
 public:
  DatabaseWorld() = default;
  DatabaseWorld(const DatabaseWorld&) = delete;
  DatabaseWorld& operator=(const DatabaseWorld&) = delete;
  virtual ~DatabaseWorld() = default;

  virtual Loop& loop() = 0;
  virtual Clock& clock() = 0;
  virtual void run(Task<> story) = 0;  // to its end on loop(), moving clock() on; rethrows what the story throws

  virtual Database& database() = 0;  // the current one
  virtual Task<> reopen() = 0;       // closes it in good order and opens the same store again

  // The same store as it is found after a SIGKILL (of the process that holds the file, of the server) at this moment.
  // Calls that were under way on the old database end with any answer before this does; none of what the story has not
  // yet been answered counts as answered before.
  virtual Task<> crash() = 0;

  // How long an answer or a notice may take before the case has failed. Never waited for when all is well.
  [[nodiscard]] virtual Duration patience() const { return std::chrono::seconds{30}; }

  // What only some worlds can do. A world that can't lists the cases that need it, with the reason; a case that asks
  // for it all the same fails.
  virtual std::unique_ptr<Database> another();  // the same store as another process has it; closed by the case
  virtual Task<> narrow();                      // reopens with bounds into which 2,000 batches begun at once don't fit
  virtual Task<> go_away();    // the server stops or the file is held: nothing can be written until come_back()
  virtual Task<> come_back();  // as it was
};

// A case that a world can't play, and why. The world's file lists them; they are counted and printed.
struct Exception {
  std::string_view name;  // of the function of the case
  std::string_view reason;
};

using Case = Task<> (*)(DatabaseWorld&);
using MakeWorld = std::unique_ptr<DatabaseWorld> (*)();

// Plays one case in a fresh world, or says why this world can't.
void play(MakeWorld make, std::span<const Exception> exceptions, std::string_view name, Case story);

// Fails when an exception names no case, names one twice or has no reason; prints how many cases ran and how many not.
void check_exceptions(std::string_view world, std::span<const Exception> exceptions);

// Every case: the function that plays it, and the sentence that it proves. A world's file makes them its test cases:
//
//   #define PLAY(function, sentence) TEST_CASE(sentence) { play(make_world, exceptions, #function, function); }
//   SLUICE_DATABASE_CASES(PLAY)
#define SLUICE_DATABASE_CASES(X)  \
  SLUICE_DATABASE_BATCH_CASES(X)  \
  SLUICE_DATABASE_VALUE_CASES(X)  \
  SLUICE_DATABASE_ROW_CASES(X)    \
  SLUICE_DATABASE_NOTICE_CASES(X) \
  SLUICE_DATABASE_CROWD_CASES(X) SLUICE_DATABASE_LIFE_CASES(X) SLUICE_DATABASE_MIGRATION_CASES(X)

#define SLUICE_DATABASE_BATCH_CASES(X)                                            \
  X(batch_answers, "a batch answers with one Rows per statement in order")        \
  X(nothing_is_done, "a batch of nothing is done")                                \
  X(batch_is_whole, "a batch whose last statement fails leaves nothing")          \
  X(unmet_expectation, "an unmet expectation is a conflict and undoes the batch") \
  X(expectations_count, "an expectation counts touched rows and returned rows")   \
  X(unique_conflict, "a unique index is a conflict and undoes the batch")         \
  X(check_conflict, "a check is a conflict and undoes the batch")                 \
  X(wrong_sql, "wrong SQL is our own mistake and undoes the batch")               \
  X(wrong_number_of_values, "a value too many or too few is our own mistake")     \
  X(parameters_by_number, "a parameter may stand anywhere and twice")             \
  X(reads_see_writes, "a read sees every batch that was answered before it")      \
  X(later_statements_see_earlier, "a statement sees what the earlier ones of its batch did")

#define SLUICE_DATABASE_VALUE_CASES(X)                                                  \
  X(values_round_trip, "integers and reals and texts and bytes come back as they were") \
  X(null_is_not_empty, "null and empty text and empty bytes are three things")          \
  X(big_values, "a megabyte of text and of bytes come back")                            \
  X(text_without_nul, "text with a NUL is invalid and nothing is done")                 \
  X(text_is_utf8, "text that is not UTF-8 is invalid and nothing is done")              \
  X(not_a_number, "a real that is not a number is invalid and infinities pass")

#define SLUICE_DATABASE_ROW_CASES(X)                                                   \
  X(row_written_once, "a row is written once and its second time touches nothing")     \
  X(row_updates, "a row that is there is updated and answers with what it is now")     \
  X(row_returns_nothing, "a row without returning columns answers with touched alone") \
  X(rows_at_once, "rows written at once get an answer each")                           \
  X(one_key_at_once, "one key written many times at once is written once")             \
  X(one_key_in_order, "updates of one key begun in order take effect in order")        \
  X(guilty_row, "a row that breaks a check fails alone")                               \
  X(shapes_at_once, "rows of different shapes written at once do not mix")             \
  X(row_values_checked, "a row with invalid text is invalid and the others are written")

#define SLUICE_DATABASE_NOTICE_CASES(X)                                 \
  X(notice_is_heard, "a notice is heard after its batch has committed") \
  X(notice_of_the_failed, "a batch that failed gives no notice")        \
  X(notice_by_channel, "a listener hears its own channel")              \
  X(listening_ends, "who stopped listening is not called any more")     \
  X(processes_hear_each_other, "a notice of one process is heard in another")

#define SLUICE_DATABASE_CROWD_CASES(X)                                                      \
  X(thousand_callers, "a thousand callers at once lose no update")                          \
  X(one_winner, "of many that compare and set one wins and the rest get a conflict")        \
  X(claims_do_not_overlap, "rows claimed by two processes at once never overlap")           \
  X(processes_see_each_other, "what one process wrote another one reads")                   \
  X(cancelled_callers, "cancelled callers leave whole batches and a database that goes on") \
  X(overload_is_an_answer, "a full queue answers overloaded and does nothing of it")

#define SLUICE_DATABASE_LIFE_CASES(X)                                                            \
  X(reopened_store, "a reopened store holds what it held")                                       \
  X(answered_survives, "what was answered survives a crash")                                     \
  X(crash_in_the_middle, "a crash amid batches leaves what was answered and only whole batches") \
  X(closing_finishes, "closing finishes what was begun and later calls are stopping")            \
  X(away_and_back, "a store that is away is unavailable and works again when it is back")        \
  X(away_in_the_middle, "batches amid which the store goes away are done or not as they were answered")

#define SLUICE_DATABASE_MIGRATION_CASES(X)                                                          \
  X(migrates_in_order, "migrations run in order and once")                                          \
  X(migrate_by_ten, "ten that migrate at once migrate once")                                        \
  X(migration_status_tells, "the status tells what was applied and what is missing")                \
  X(newer_schema, "a schema that is newer than this build is left as it is")                        \
  X(failing_migration, "a migration that fails leaves nothing of itself and keeps those before it") \
  X(foreign_migration, "a migration whose number has another name is refused")

#define SLUICE_DECLARE_DATABASE_CASE(function, sentence) Task<> function(DatabaseWorld& world);
SLUICE_DATABASE_CASES(SLUICE_DECLARE_DATABASE_CASE)
#undef SLUICE_DECLARE_DATABASE_CASE

}  // namespace sluice::db::conformance
