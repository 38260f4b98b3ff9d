#include "common/log/kafka_log.hpp"

#include <algorithm>
#include <list>
#include <set>
#include <utility>

#include <fmt/format.h>

#include <boost/asio/this_coro.hpp>

#include "common/async/guarded.hpp"
#include "common/async/offload.hpp"
#include "common/async/reply.hpp"
#include "common/log/kafka_admin.hpp"
#include "common/log/kafka_consumer.hpp"
#include "common/log/kafka_member.hpp"
#include "common/log/kafka_producer.hpp"
#include "common/log/kafka_reader.hpp"

namespace sluice::log {
namespace {

using Members = std::list<std::shared_ptr<KafkaMember>>;

// Partition n of all topics goes to one member only where all of them have the same n.
Done check_topics(KafkaAdmin& admin, const Subscription& subscription) {
  if (subscription.group.empty()) return fail(Kind::invalid, "a subscription needs the name of a group");
  if (subscription.topics.empty()) return fail(Kind::invalid, "a subscription needs a topic");
  std::string counts;
  std::set<std::int32_t> different;
  for (const auto& topic : subscription.topics) {
    const auto partitions = admin.partitions(topic);
    if (!partitions) return fail(partitions.error());
    counts += fmt::format("{}'{}' has {}", counts.empty() ? "" : ", ", topic, *partitions);
    different.insert(*partitions);
  }
  if (different.size() == 1) return {};
  return fail(Kind::invalid, fmt::format("the topics of group '{}' have unequal numbers of partitions: {}",
                                         subscription.group, counts));
}

}  // namespace

struct KafkaLog::Parts {
  Parts(KafkaSettings its_settings, const Clock& its_clock)
      : settings(std::move(its_settings)),
        clock(its_clock),
        voice(settings.on_log),
        reader(settings, voice, clock),
        questions(std::max<std::size_t>(1, settings.requests_at_once_max), settings.requests_waiting_max, "kafka-ask") {
  }
  Parts(const Parts&) = delete;
  Parts& operator=(const Parts&) = delete;
  ~Parts();

  Done start();
  Result<std::shared_ptr<KafkaMember>> join(Loop& loop, const Subscription& subscription);
  void close();  // blocks
  void stop_questions();
  void end_members(void (KafkaMember::*how)());

  struct Closing {
    bool begun = false;
    bool done = false;
    std::vector<std::shared_ptr<Reply<bool>>> waiting;
  };

  const KafkaSettings settings;
  const Clock& clock;
  const KafkaVoice voice;
  std::unique_ptr<KafkaProducer> producer;
  std::unique_ptr<KafkaAdmin> admin;
  KafkaReader reader;
  Offload questions;
  Guarded<Members> members;
  Guarded<Closing> closing;
  Thread closer;
};

Done KafkaLog::Parts::start() {
  auto produces = KafkaProducer::start(settings, voice, clock);
  if (!produces) return fail(std::move(produces.error()));
  auto client = make_client(RD_KAFKA_PRODUCER, connection_properties(settings), voice);
  if (!client) return fail(std::move(client.error()));
  producer = std::move(*produces);
  admin = std::make_unique<KafkaAdmin>(settings, voice, clock, std::move(*client));
  return {};
}

// A member whose thread has ended costs nothing to let go.
Result<std::shared_ptr<KafkaMember>> KafkaLog::Parts::join(Loop& loop, const Subscription& subscription) {
  auto checked = check_topics(*admin, subscription);
  if (!checked) return fail(std::move(checked.error()));
  auto member = KafkaMember::join(loop, clock, settings, voice, subscription);
  if (!member) return member;
  members.with([&](Members& all) {
    std::erase_if(all, [](const auto& each) { return each->ended(); });
    all.push_back(*member);
  });
  return member;
}

void KafkaLog::Parts::stop_questions() {
  if (admin) admin->stop();
  reader.stop();
  questions.stop();
}

void KafkaLog::Parts::end_members(void (KafkaMember::*how)()) {
  const auto all = members.with([](Members& now) { return std::exchange(now, {}); });
  for (const auto& member : all) (*member.*how)();
  for (const auto& member : all) member->wait();
}

// The producer goes last, so that owners of partitions can finish what they have in hand.
void KafkaLog::Parts::close() {
  stop_questions();
  end_members(&KafkaMember::close);
  producer->stop();
  const auto waiting = closing.with([](Closing& now) {
    now.done = true;
    return std::exchange(now.waiting, {});
  });
  for (const auto& reply : waiting) reply->give_from(true);
}

KafkaLog::Parts::~Parts() {
  closer.join();
  stop_questions();
  end_members(&KafkaMember::abandon);
}

// -------------------------------------------------------------------------------------------------------------------------

Result<std::unique_ptr<KafkaLog>> KafkaLog::open(KafkaSettings settings, const Clock& clock) {
  auto parts = std::make_unique<Parts>(std::move(settings), clock);
  auto started = parts->start();
  if (!started) return fail(std::move(started.error()));
  return std::unique_ptr<KafkaLog>{new KafkaLog{std::move(parts)}};
}

KafkaLog::KafkaLog(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}

KafkaLog::~KafkaLog() = default;

Task<Result<std::vector<Offset>>> KafkaLog::append(std::vector<Outgoing> records) {
  if (records.empty()) co_return std::vector<Offset>{};
  auto& loop = Loop::of(co_await boost::asio::this_coro::executor);
  const auto reply = Reply<Appended>::on(loop);
  auto taken = parts_->producer->append(std::move(records), reply);
  if (!taken) co_return fail(std::move(taken.error()));
  co_return co_await reply->wait();
}

Task<Result<std::vector<Offset>>> KafkaLog::append_atomically(std::vector<Outgoing> /*records*/, db::Batch /*changes*/,
                                                              std::vector<Commit> /*commits*/) {
  co_return fail(Kind::invalid, "Kafka cannot store records and changes of the database in one transaction");
}

Task<Result<std::unique_ptr<Consumer>>> KafkaLog::subscribe(Subscription subscription) {
  auto& loop = Loop::of(co_await boost::asio::this_coro::executor);
  auto joining = parts_->questions.run([&] { return parts_->join(loop, subscription); });
  auto member = co_await std::move(joining);
  if (!member) co_return fail(std::move(member.error()));
  co_return std::make_unique<KafkaConsumer>(loop, std::move(*member));
}

Task<Result<std::vector<Record>>> KafkaLog::read(Partition partition, Offset from, ReadLimits limits) {
  return parts_->questions.run([this, partition = std::move(partition), from, limits]() -> Result<std::vector<Record>> {
    auto there = parts_->admin->check(partition);
    if (!there) return fail(std::move(there.error()));
    return parts_->reader.read(partition, from, limits);
  });
}

Task<Result<Record>> KafkaLog::read_one(Partition partition, Offset offset) {
  return parts_->questions.run([this, partition = std::move(partition), offset]() -> Result<Record> {
    auto there = parts_->admin->check(partition);
    if (!there) return fail(std::move(there.error()));
    return parts_->reader.read_one(partition, offset);
  });
}

Task<Result<Span>> KafkaLog::span(Partition partition) {
  return parts_->questions.run([this, partition = std::move(partition)] { return parts_->admin->span(partition); });
}

Task<Result<std::optional<Committed>>> KafkaLog::committed(std::string group, Partition partition) {
  return parts_->questions.run([this, group = std::move(group), partition = std::move(partition)] {
    return parts_->admin->committed(group, partition);
  });
}

Task<Done> KafkaLog::create_topics(std::vector<TopicSpec> topics) {
  return parts_->questions.run([this, topics = std::move(topics)] { return parts_->admin->create_topics(topics); });
}

Task<Result<std::vector<TopicInfo>>> KafkaLog::topics() {
  return parts_->questions.run([this] { return parts_->admin->topics(); });
}

Task<> KafkaLog::close() {
  auto& loop = Loop::of(co_await boost::asio::this_coro::executor);
  const auto reply = Reply<bool>::on(loop);
  const bool done = parts_->closing.with([&](Parts::Closing& closing) {
    if (closing.done) return true;
    closing.waiting.push_back(reply);
    if (!std::exchange(closing.begun, true)) parts_->closer = Thread{"kafka-close", [this] { parts_->close(); }};
    return false;
  });
  if (!done) co_await reply->wait();
}

}  // namespace sluice::log
