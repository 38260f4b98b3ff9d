// One connection in pipeline mode: several transactions are on their way at once, each ended by its own Sync.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "common/async/clock.hpp"
#include "common/async/loop.hpp"
#include "common/db/postgres_dial.hpp"
#include "common/db/postgres_errors.hpp"
#include "common/db/postgres_job.hpp"
#include "common/db/postgres_wire.hpp"

namespace sluice::db {

// A job without expectations is one implicit transaction: it commits at its Sync, and is answered when the server has
// answered that. A job with expectations is BEGIN and its commands; COMMIT or ROLLBACK follow when the counts are
// known, and until then the connection takes nothing else.
//
// A statement is sent by its text the first time and prepared in the same pipeline the second time, so what is said
// once (a migration) costs no memory, and what refers to a table made earlier in its own batch is understood. Its
// first time in a read runs in a read-only transaction: one that changes something never comes to a second time.
class PostgresConnection : public std::enable_shared_from_this<PostgresConnection> {
 public:
  // What happened to a job that its connection did not finish.
  struct Unfinished {
    PostgresJobPtr job;
    bool untouched;  // certainly not done; else it may have been
  };

  // Called on the loop's thread, never from inside take(). Must be there as long as the connection is not dropped.
  class Owner {
   public:
    virtual ~Owner() = default;
    virtual void has_room(PostgresConnection& connection) = 0;
    virtual void wants_again(PostgresJobPtr job, Refusal refusal) = 0;
    virtual void heard(std::string_view channel) = 0;
    virtual void lost(PostgresConnection& connection, Failure why, std::vector<Unfinished> jobs) = 0;
  };
  struct Limits {
    std::size_t jobs_max;  // on their way at once
    Duration silence_max;  // without a byte from the server while it owes an answer
  };

  static std::shared_ptr<PostgresConnection> on(Loop& loop, Clock& clock, PgConnection connection, Limits limits,
                                                Owner& owner);
  PostgresConnection(Loop& loop, Clock& clock, PgConnection connection, Limits limits, Owner& owner);

  // An idle connection looks at its socket first: one that the server has closed or said goodbye on is not used.
  [[nodiscard]] bool can_take();
  [[nodiscard]] std::size_t jobs() const { return jobs_; }
  void take(PostgresJobPtr job);

  // Closes it and gives back what was on its way; the owner hears nothing any more.
  std::vector<Unfinished> drop();

 private:
  // What ends with one Sync.
  struct Segment {
    enum class What : std::uint8_t { prepare, whole, opening, commit, rollback };
    What what;
    PostgresJobPtr job = nullptr;
    const char* statement = nullptr;  // of prepare
    std::size_t skipped = 0;          // answers at its beginning that belong to nobody
    std::vector<Rows> rows = {};
    std::optional<Refusal> refusal = {};
    bool sent = true;  // perhaps in part
  };
  struct Known {
    bool prepared = false;
    bool only_reads = false;  // it has passed a read-only transaction
    std::string name = {};
  };

  void prepare(const char* text);
  void send(const PostgresCommand& command, bool prepared_allowed);
  void sync(Segment segment);
  void end_transaction(Segment opened);
  [[nodiscard]] bool is_known_to_read(const PostgresJob& job) const;
  void learn(const PostgresJob& job);
  void forget(const PostgresJob& job);
  [[nodiscard]] bool is_quiet() const;

  static void on_notice(void* connection, const PGresult* notice);
  void watch_reading();
  void watch_writing();
  void on_writable();
  void receive();
  Done read_results();
  static Done note(Segment& segment, PGresult* result);
  static Done note_success(Segment& segment, PGresult* result);
  void finish(Segment segment);
  void answer(Segment segment);
  void break_soon();
  void lose(Failure why);
  std::vector<Unfinished> give_back();
  [[nodiscard]] static bool is_untouched(const Segment& segment);

  Loop& loop_;
  Clock& clock_;
  Limits limits_;
  Owner* owner_;
  PgConnection connection_;
  SocketWatch watch_;
  Timer silence_;
  PostgresParameters parameters_;
  std::deque<Segment> segments_;
  std::unordered_map<const char*, Known> known_;  // the texts of the program: as bounded as the program
  std::size_t jobs_ = 0;
  std::size_t named_so_far_ = 0;
  bool held_ = false;       // an opened transaction waits for its end
  bool unflushed_ = false;  // the socket takes no more at the moment
  bool broken_ = false;
};

}  // namespace sluice::db
