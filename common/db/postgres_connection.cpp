#include "common/db/postgres_connection.hpp"

#include <algorithm>
#include <cerrno>
#include <utility>

#include <fmt/format.h>
#include <sys/socket.h>

#include "common/base/ensure.hpp"

namespace sluice::db {
namespace {

// Never prepared: whatever happens to the prepared statements of a session, a transaction can be ended.
constexpr const char* begin_text = "BEGIN";
constexpr const char* commit_text = "COMMIT";
constexpr const char* rollback_text = "ROLLBACK";
constexpr const char* guard_text = "SELECT set_config('transaction_read_only', 'on', true)";

Failure lost_connection() {
  return {Kind::unavailable, "the connection to PostgreSQL was lost"};
}

bool is_met(const Expect& expect, const Rows& rows) {
  return rows.touched >= expect.rows_min && rows.touched <= expect.rows_max;
}

// The first expectation that was not met, as the refusal that it is.
std::optional<Refusal> unmet(const PostgresJob& job, const std::vector<Rows>& rows) {
  for (std::size_t place = 0; place < job.expectations.size(); ++place) {
    if (is_met(job.expectations[place], rows[place])) continue;
    return Refusal{{Kind::conflict, fmt::format("{}: it touched {} rows, which is not what was expected",
                                                job.commands[place].text, rows[place].touched)}};
  }
  return std::nullopt;
}

}  // namespace

std::shared_ptr<PostgresConnection> PostgresConnection::on(Loop& loop, Clock& clock, PgConnection connection,
                                                           Limits limits, Owner& owner) {
  auto made = std::make_shared<PostgresConnection>(loop, clock, std::move(connection), limits, owner);
  made->watch_reading();
  return made;
}

PostgresConnection::PostgresConnection(Loop& loop, Clock& clock, PgConnection connection, Limits limits, Owner& owner)
    : loop_(loop),
      clock_(clock),
      limits_(limits),
      owner_(&owner),
      connection_(std::move(connection)),
      watch_(loop.context(), PQsocket(connection_.get())),
      silence_(clock.timers(), [this] {
        lose({Kind::unavailable,
              fmt::format("PostgreSQL has been silent for {} ms",
                          std::chrono::duration_cast<std::chrono::milliseconds>(limits_.silence_max).count())});
      }) {
  PQsetNoticeReceiver(connection_.get(), &PostgresConnection::on_notice, this);
}

void PostgresConnection::on_notice(void* connection, const PGresult* notice) {
  if (says_goodbye(notice)) static_cast<PostgresConnection*>(connection)->break_soon();
}

// --- Sending ---------------------------------------------------------------------------------------------------------

bool PostgresConnection::is_quiet() const {
  char byte = 0;
  const auto seen = recv(PQsocket(connection_.get()), &byte, 1, MSG_PEEK | MSG_DONTWAIT);
  return seen < 0 && (errno == EAGAIN || errno == EWOULDBLOCK);
}

bool PostgresConnection::can_take() {
  if (owner_ == nullptr || broken_ || held_ || unflushed_ || jobs_ >= limits_.jobs_max) return false;
  return !segments_.empty() || is_quiet();
}

void PostgresConnection::take(PostgresJobPtr job) {
  ++jobs_;
  const bool opens = !job->expectations.empty() && !job->reads_only;
  const bool guarded = job->reads_only && !is_known_to_read(*job);
  if (job->prepared_allowed) {
    for (const auto& command : job->commands) prepare(command.text);
  }
  if (opens) send({begin_text}, false);
  if (guarded) send({guard_text}, false);
  for (const auto& command : job->commands) send(command, job->prepared_allowed);
  const std::size_t skipped = (opens ? 1U : 0U) + (guarded ? 1U : 0U);
  held_ = opens;
  sync({.what = opens ? Segment::What::opening : Segment::What::whole, .job = std::move(job), .skipped = skipped});
}

// In a segment of its own, so that no other failure can take it along.
void PostgresConnection::prepare(const char* text) {
  const auto found = known_.find(text);
  if (found == known_.end() || found->second.prepared || broken_) return;
  found->second.prepared = true;
  found->second.name = fmt::format("s{}", ++named_so_far_);
  if (PQsendPrepare(connection_.get(), found->second.name.c_str(), text, 0, nullptr) != 1) break_soon();
  sync({.what = Segment::What::prepare, .statement = text});
}

void PostgresConnection::send(const PostgresCommand& command, bool prepared_allowed) {
  if (broken_) return;
  parameters_.fill(command.values);
  const auto found = known_.find(command.text);
  const bool by_name = prepared_allowed && found != known_.end() && found->second.prepared;
  const int sent = by_name ? PQsendQueryPrepared(connection_.get(), found->second.name.c_str(), parameters_.count(),
                                                 parameters_.texts(), parameters_.lengths(), parameters_.formats(), 0)
                           : PQsendQueryParams(connection_.get(), command.text, parameters_.count(), nullptr,
                                               parameters_.texts(), parameters_.lengths(), parameters_.formats(), 0);
  if (sent != 1) break_soon();
}

// Also pushes out what is buffered, as far as the socket takes it.
void PostgresConnection::sync(Segment segment) {
  segment.sent = !broken_;
  if (segment.sent && PQpipelineSync(connection_.get()) != 1) break_soon();
  segments_.push_back(std::move(segment));
  if (!silence_.armed()) silence_.arm(clock_.now() + limits_.silence_max);
  if (!broken_ && !unflushed_) on_writable();
}

void PostgresConnection::watch_writing() {
  unflushed_ = true;
  watch_.async_wait(SocketWatch::wait_write, [self = shared_from_this()](boost::system::error_code error) {
    if (error || self->owner_ == nullptr || self->broken_) return;
    self->unflushed_ = false;
    self->on_writable();
    self->receive();  // while it found the socket full, libpq may have read from it
  });
}

void PostgresConnection::on_writable() {
  const int flushed = PQflush(connection_.get());
  if (flushed < 0) break_soon();
  if (flushed > 0) watch_writing();
}

// --- Receiving -------------------------------------------------------------------------------------------------------

void PostgresConnection::watch_reading() {
  watch_.async_wait(SocketWatch::wait_read, [self = shared_from_this()](boost::system::error_code error) {
    if (error || self->owner_ == nullptr) return;
    self->receive();
    if (self->owner_ != nullptr) self->watch_reading();
  });
}

void PostgresConnection::receive() {
  const auto self = shared_from_this();  // the owner may let go of it in any of its calls
  const bool alive = PQconsumeInput(connection_.get()) == 1;
  auto read = read_results();
  while (owner_ != nullptr) {
    const PgNotify notify{PQnotifies(connection_.get())};
    if (!notify) break;
    owner_->heard(notify->relname);
  }
  if (owner_ == nullptr) return;
  if (read && !alive) read = fail(lost_connection());
  if (!read) {
    lose(std::move(read).error());
    return;
  }
  if (segments_.empty()) {
    silence_.disarm();
  } else {
    silence_.arm(clock_.now() + limits_.silence_max);
  }
  if (can_take()) owner_->has_room(*this);
}

// Everything that has arrived whole. Fails when the connection is of no more use.
Done PostgresConnection::read_results() {
  bool between = false;  // libpq gives one null between the answers of two commands
  while (owner_ != nullptr && !segments_.empty() && PQisBusy(connection_.get()) == 0) {
    const PgResult result{PQgetResult(connection_.get())};
    if (!result) {
      if (between) return fail(lost_connection());
      between = true;
      continue;
    }
    between = false;
    if (PQresultStatus(result.get()) == PGRES_PIPELINE_SYNC) {
      auto finished = std::move(segments_.front());
      segments_.pop_front();
      finish(std::move(finished));
      continue;
    }
    auto noted = note(segments_.front(), result.get());
    if (!noted) return noted;
  }
  return {};
}

Done PostgresConnection::note(Segment& segment, PGresult* result) {
  switch (PQresultStatus(result)) {
    case PGRES_COMMAND_OK:
    case PGRES_TUPLES_OK:
    case PGRES_EMPTY_QUERY:
      return note_success(segment, result);
    case PGRES_PIPELINE_ABORTED:
      return {};
    default:
      // With an error of libpq's own the connection is gone, and after a ROLLBACK that fails nobody knows its state.
      if (!is_word_of_server(result) || segment.what == Segment::What::rollback) return fail(lost_connection());
      if (!segment.refusal) segment.refusal = refusal_of(result);
      return {};
  }
}

Done PostgresConnection::note_success(Segment& segment, PGresult* result) {
  if (segment.what == Segment::What::commit && std::string_view{PQcmdStatus(result)} != commit_text) {
    // A COMMIT that finds its transaction failed is answered with ROLLBACK, and without an error.
    segment.refusal = Refusal{{Kind::ours, "PostgreSQL rolled back what was to be committed"}};
  }
  if (segment.what != Segment::What::whole && segment.what != Segment::What::opening) return {};
  if (segment.skipped > 0) {
    --segment.skipped;
    return {};
  }
  auto rows = rows_of(result);
  if (!rows) return fail(std::move(rows).error());
  segment.rows.push_back(std::move(*rows));
  return {};
}

// --- The end of a segment --------------------------------------------------------------------------------------------

void PostgresConnection::finish(Segment segment) {
  switch (segment.what) {
    case Segment::What::prepare:
      if (segment.refusal) known_.erase(segment.statement);
      return;
    case Segment::What::opening:
      end_transaction(std::move(segment));
      return;
    case Segment::What::whole:
    case Segment::What::commit:
    case Segment::What::rollback:
      --jobs_;
      answer(std::move(segment));
      return;
  }
}

void PostgresConnection::end_transaction(Segment opened) {
  held_ = false;
  if (!opened.refusal) opened.refusal = unmet(*opened.job, opened.rows);
  const bool undone = opened.refusal.has_value();
  send({undone ? rollback_text : commit_text}, false);
  sync({.what = undone ? Segment::What::rollback : Segment::What::commit,
        .job = std::move(opened.job),
        .rows = std::move(opened.rows),
        .refusal = std::move(opened.refusal)});
}

void PostgresConnection::answer(Segment segment) {
  auto& job = *segment.job;
  if (!segment.refusal) learn(job);
  if (!segment.refusal && job.reads_only) segment.refusal = unmet(job, segment.rows);
  if (!segment.refusal) {
    job.finished(std::move(segment.rows));
    return;
  }
  auto& refusal = *segment.refusal;
  if (refusal.again == Again::without_cache) forget(job);
  if (refusal.again == Again::as_it_is || (refusal.again == Again::without_cache && job.prepared_allowed)) {
    job.prepared_allowed = job.prepared_allowed && refusal.again != Again::without_cache;
    owner_->wants_again(std::move(segment.job), std::move(refusal));
    return;
  }
  if (refusal.read_only && job.reads_only) {
    refusal.failure = {Kind::ours,
                       fmt::format("{}: it changes something and was given as a read", job.commands.front().text)};
  }
  job.finished(fail(std::move(refusal.failure)));
}

bool PostgresConnection::is_known_to_read(const PostgresJob& job) const {
  return std::all_of(job.commands.begin(), job.commands.end(), [this](const PostgresCommand& command) {
    const auto found = known_.find(command.text);
    return found != known_.end() && found->second.only_reads;
  });
}

void PostgresConnection::learn(const PostgresJob& job) {
  if (!job.prepared_allowed) return;
  for (const auto& command : job.commands) {
    auto& known = known_[command.text];
    known.only_reads = known.only_reads || job.reads_only;
  }
}

void PostgresConnection::forget(const PostgresJob& job) {
  for (const auto& command : job.commands) known_.erase(command.text);
}

// --- Its own end -----------------------------------------------------------------------------------------------------

void PostgresConnection::break_soon() {
  if (std::exchange(broken_, true)) return;
  loop_.post([self = shared_from_this()] {
    if (self->owner_ != nullptr) self->lose(lost_connection());
  });
}

void PostgresConnection::lose(Failure why) {
  const auto self = shared_from_this();
  auto& owner = *owner_;
  auto unfinished = drop();
  owner.lost(*this, std::move(why), std::move(unfinished));
}

std::vector<PostgresConnection::Unfinished> PostgresConnection::drop() {
  owner_ = nullptr;
  silence_.disarm();
  if (watch_.is_open()) watch_.release();  // the socket is libpq's to close
  connection_.reset();
  return give_back();
}

// Refused is undone. The server's last word, FATAL, is another matter: it works through a pipeline in order and writes
// its answers in order, so this word in the place of one answer proves that nothing behind that answer was begun, the
// Sync that commits included. In the place of a COMMIT's answer it proves nothing, unless the server says that it had
// waited too long for that COMMIT.
bool PostgresConnection::is_untouched(const Segment& segment) {
  const bool refused = segment.refusal && !segment.refusal->fatal;
  const bool last_word = segment.refusal && segment.refusal->fatal;
  switch (segment.what) {
    case Segment::What::whole:
      return refused || (last_word && segment.rows.size() < segment.job->commands.size());
    case Segment::What::commit:
      return refused || (last_word && segment.refusal->failure.kind == Kind::timed_out);
    case Segment::What::opening:
    case Segment::What::rollback:
    case Segment::What::prepare:
      return true;
  }
  return false;
}

std::vector<PostgresConnection::Unfinished> PostgresConnection::give_back() {
  std::vector<Unfinished> jobs;
  bool begun = true;  // by the server, for all we know
  for (auto& segment : segments_) {
    if (segment.job) {
      const bool untouched = !begun || !segment.sent || segment.job->reads_only || is_untouched(segment);
      jobs.push_back({std::move(segment.job), untouched});
    }
    if (segment.refusal && segment.refusal->fatal) begun = false;
  }
  segments_.clear();
  jobs_ = 0;
  return jobs;
}

}  // namespace sluice::db
