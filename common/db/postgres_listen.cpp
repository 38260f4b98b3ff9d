#include "common/db/postgres_listen.hpp"

#include <algorithm>
#include <utility>

namespace sluice::db {
namespace {

// A channel is an identifier, and any text can be one when it stands in quotes.
std::string listen_text(std::string_view channel) {
  std::string text = "LISTEN \"";
  for (const char c : channel) text += c == '"' ? std::string{"\"\""} : std::string{c};
  return text + "\"";
}

}  // namespace

PostgresListener::PostgresListener(Loop& loop, Clock& clock, Random& random, const PostgresTarget& target,
                                   const PostgresPoolLimits& limits)
    : loop_(loop),
      clock_(clock),
      target_(target),
      limits_(limits),
      pause_(random, limits.reconnect_pause_min, limits.reconnect_pause_max),
      next_attempt_(clock.timers(), [this] { dial(); }) {}

PostgresListener::~PostgresListener() {
  *self_ = nullptr;
  close();
}

std::unique_ptr<Listening> PostgresListener::listen(Loop& loop, std::string channel, std::function<void()> heard) {
  auto listening = notices_.listen(loop, channel, std::move(heard));
  loop_.post([self = self_, channel = std::move(channel)] {
    if (*self != nullptr) (*self)->add(channel);
  });
  return listening;
}

void PostgresListener::add(const std::string& channel) {
  if (closed_) return;
  if (std::find(channels_.begin(), channels_.end(), channel) == channels_.end()) channels_.push_back(channel);
  if (connection_) {
    listen_to_all();
  } else if (!dial_ && !next_attempt_.armed()) {
    dial();
  }
}

void PostgresListener::close() {
  closed_ = true;
  next_attempt_.disarm();
  dial_.reset();
  if (const auto connection = std::exchange(connection_, nullptr)) connection->drop();
}

void PostgresListener::dial() {
  dial_ = std::make_unique<PostgresDial>(loop_, clock_, target_, attempts_++, limits_.connect_wait_max);
  dial_->start([this](Result<PgConnection> outcome) { dialled(std::move(outcome)); });
}

void PostgresListener::dialled(Result<PgConnection> outcome) {
  dial_.reset();
  if (!outcome) {
    pause_after_failure();
    return;
  }
  listened_to_ = 0;
  asking_ = false;
  connection_ = PostgresConnection::on(loop_, clock_, std::move(*outcome), limits_.connection, *this);
  listen_to_all();
}

void PostgresListener::listen_to_all() {
  if (!connection_ || asking_ || listened_to_ == channels_.size() || !connection_->can_take()) return;
  const auto count = channels_.size();
  auto job = std::make_unique<PostgresJob>();
  auto texts = std::make_shared<std::vector<std::string>>();
  for (std::size_t place = listened_to_; place < count; ++place) texts->push_back(listen_text(channels_[place]));
  for (const auto& text : *texts) job->commands.push_back({text.c_str()});
  job->prepared_allowed = false;  // these texts go with the job, so their addresses name nothing
  job->finished = [this, count, texts](const Result<std::vector<Rows>>& done) {
    asking_ = false;
    if (!done) {
      give_up_soon();
      return;
    }
    pause_.succeeded();
    for (std::size_t place = listened_to_; place < count; ++place) notices_.tell(channels_[place]);
    listened_to_ = count;
  };
  asking_ = true;
  connection_->take(std::move(job));
}

// The server does not let us listen; it may be a standby.
void PostgresListener::give_up_soon() {
  loop_.post([self = self_, refused = connection_] {
    if (*self == nullptr || (*self)->connection_ != refused) return;
    refused->drop();
    (*self)->connection_.reset();
    (*self)->pause_after_failure();
  });
}

void PostgresListener::pause_after_failure() {
  if (!closed_) next_attempt_.arm(clock_.now() + pause_.after_failure());
}

void PostgresListener::has_room(PostgresConnection& /*connection*/) {
  listen_to_all();
}

void PostgresListener::wants_again(PostgresJobPtr job, Refusal refusal) {
  job->finished(fail(std::move(refusal.failure)));
}

void PostgresListener::heard(std::string_view channel) {
  notices_.tell(channel);
}

void PostgresListener::lost(PostgresConnection& /*connection*/, Failure /*why*/,
                            std::vector<PostgresConnection::Unfinished> /*jobs*/) {
  connection_.reset();
  pause_after_failure();
}

}  // namespace sluice::db
