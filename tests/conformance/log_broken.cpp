#include "tests/conformance/log_broken.hpp"

#include <algorithm>
#include <utility>

namespace sluice::conformance {

namespace {

Record copy_of(const Record& record) {
  return Record{{.offset = record.offset(),
                 .timestamp = record.timestamp(),
                 .key = record.key(),
                 .value = record.value(),
                 .headers = record.headers(),
                 .damage = record.damage(),
                 .raw_headers = record.raw_headers()}};
}

void keep_last_headers(Headers& headers) {
  for (auto at = headers.begin(); at != headers.end();) {
    const bool comes_again =
        std::any_of(std::next(at), headers.end(), [&](const Header& header) { return header.name == at->name; });
    at = comes_again ? headers.erase(at) : std::next(at);
  }
}

}  // namespace

void BrokenLog::spoil(std::vector<Outgoing>& records) const {
  if (is(Mutation::reorders)) std::ranges::reverse(records);
  for (auto& record : records) {
    if (is(Mutation::mistakes_null_for_empty)) record.value = record.value.value_or("");
    if (is(Mutation::merges_headers)) keep_last_headers(record.headers);
    if (is(Mutation::stamps_by_itself)) record.timestamp.reset();
  }
}

Task<Result<std::vector<Offset>>> BrokenLog::append(std::vector<Outgoing> records) {
  spoil(records);
  if (is(Mutation::acknowledges_early)) {
    auto early = co_await append_but_the_last(std::move(records));
    co_return early;
  }
  if (is(Mutation::loses_a_record) && ++appended_ % 10 == 0 && !records.empty()) {
    std::vector<Offset> invented(records.size(), 1'000'000);
    records.pop_back();
    (void)co_await sound_.append(std::move(records));
    co_return invented;
  }
  if (is(Mutation::writes_half_of_a_refused_call) && records.size() > 1) {
    auto first = records;
    first.resize(1);
    auto stored = co_await sound_.append(std::move(first));
    if (!stored) co_return stored;
    records.erase(records.begin());
    auto rest = co_await sound_.append(std::move(records));
    if (!rest) co_return rest;
    stored->insert(stored->end(), rest->begin(), rest->end());
    co_return stored;
  }
  auto stored = co_await sound_.append(std::move(records));
  if (is(Mutation::goes_on_after_close) && !stored && stored.error().kind == Kind::stopping) {
    co_return std::vector<Offset>{0};
  }
  if (is(Mutation::hides_overload) && !stored && stored.error().kind == Kind::overloaded) {
    stored.error().kind = Kind::unavailable;
  }
  co_return stored;
}

// The last record stays in memory until the next call; its offset is a guess.
Task<Result<std::vector<Offset>>> BrokenLog::append_but_the_last(std::vector<Outgoing> records) {
  if (records.empty()) co_return std::vector<Offset>{};
  auto now = std::exchange(kept_back_, {});
  const auto earlier = now.size();
  kept_back_.push_back(records.back());
  records.pop_back();
  for (auto& record : records) now.push_back(std::move(record));
  auto stored = co_await sound_.append(std::move(now));
  if (!stored) co_return stored;
  stored->erase(stored->begin(), stored->begin() + static_cast<std::ptrdiff_t>(earlier));
  stored->push_back(stored->empty() ? 0 : stored->back() + 1);
  co_return stored;
}

Task<Result<std::vector<Offset>>> BrokenLog::append_atomically(std::vector<Outgoing> records, db::Batch changes,
                                                               std::vector<Commit> commits) {
  if (!is(Mutation::commits_in_pieces)) {
    auto whole = co_await sound_.append_atomically(std::move(records), std::move(changes), std::move(commits));
    co_return whole;
  }
  auto stored = co_await sound_.append(std::move(records));
  auto rest = co_await sound_.append_atomically({}, std::move(changes), std::move(commits));
  if (!rest) co_return rest;
  co_return stored;
}

Task<Result<std::unique_ptr<Consumer>>> BrokenLog::subscribe(Subscription subscription) {
  if (is(Mutation::batches_without_bound)) {
    subscription.batch_records_max = Subscription{}.batch_records_max;
    subscription.batch_bytes_max = Subscription{}.batch_bytes_max;
  }
  auto consumer = co_await sound_.subscribe(std::move(subscription));
  if (!consumer) co_return consumer;
  co_return std::make_unique<BrokenConsumer>(std::move(*consumer), clock_, mutation_);
}

Task<Result<std::vector<Record>>> BrokenLog::read(Partition partition, Offset from, ReadLimits limits) {
  if (is(Mutation::ignores_limits)) limits = ReadLimits{};
  auto records = co_await sound_.read(std::move(partition), from, limits);
  if (is(Mutation::hides_damage) && records)
    std::erase_if(*records, [](const Record& record) { return record.is_poison(); });
  co_return records;
}

Task<Result<Record>> BrokenLog::read_one(Partition partition, Offset offset) {
  if (!is(Mutation::answers_with_the_next_record)) {
    auto one = co_await sound_.read_one(std::move(partition), offset);
    co_return one;
  }
  auto some = co_await sound_.read(std::move(partition), offset, ReadLimits{.records_max = 1});
  if (!some) co_return fail(some.error());
  if (some->empty()) co_return fail(Kind::not_found, "nothing there");
  co_return std::move(some->front());
}

Task<> BrokenLog::close() {
  return sound_.close();
}

Task<Notice> BrokenConsumer::next() {
  if (again_) {
    auto notice = std::move(*again_);
    again_.reset();
    co_return notice;
  }
  while (true) {
    auto notice = co_await sound_->next();
    if (is(Mutation::loses_at_cancellation)) co_await clock_.sleep_for(std::chrono::microseconds{30});
    if (passes(notice)) co_return notice;
  }
}

bool BrokenConsumer::passes(Notice& notice) {
  if (auto* assigned = std::get_if<Assigned>(&notice)) {
    for (auto& each : assigned->partitions) {
      epochs_[each.partition] = each.epoch;
      if (is(Mutation::keeps_its_epoch)) each.epoch = 1;
    }
  }
  if (auto* records = std::get_if<Records>(&notice)) {
    if (is(Mutation::keeps_its_epoch)) records->epoch = 1;
    if (is(Mutation::hides_damage))
      std::erase_if(records->records, [](const Record& record) { return record.is_poison(); });
    if (is(Mutation::skips_at_resume) && resumed_ == records->partition) {
      resumed_.reset();
      records->records.erase(records->records.begin());
    }
    if (is(Mutation::repeats_a_batch)) {
      Records copy{records->partition, records->epoch, {}};
      for (const auto& record : records->records) copy.records.push_back(copy_of(record));
      again_ = std::move(copy);
    }
    return !records->records.empty();
  }
  if (auto* end = std::get_if<ReachedEnd>(&notice)) {
    if (is(Mutation::keeps_its_epoch)) end->epoch = 1;
    return !is(Mutation::never_reaches_the_end) || ends_[end->partition]++ == 0;
  }
  if (auto* revoking = std::get_if<Revoking>(&notice)) {
    const bool silent = is(Mutation::takes_without_asking) || (is(Mutation::closes_without_a_word) && closing_);
    if (silent) sound_->release(revoking->partitions);
    return !silent;
  }
  return true;
}

void BrokenConsumer::pause(const Partition& partition) {
  if (!is(Mutation::delivers_while_paused)) sound_->pause(partition);
}

void BrokenConsumer::resume(const Partition& partition) {
  resumed_ = partition;
  sound_->resume(partition);
}

Task<Done> BrokenConsumer::commit(std::vector<Commit> commits) {
  for (auto& commit : commits) {
    const bool translates = is(Mutation::ignores_epochs) || (is(Mutation::keeps_its_epoch) && commit.epoch == 1);
    if (translates && epochs_.contains(commit.partition)) commit.epoch = epochs_[commit.partition];
    if (is(Mutation::forgets_metadata)) commit.metadata.clear();
    if (is(Mutation::takes_any_metadata) && commit.metadata.size() > metadata_bytes_max) commit.metadata.clear();
  }
  if (is(Mutation::forgets_commits)) co_return Done{};
  auto done = co_await sound_->commit(std::move(commits));
  co_return done;
}

void BrokenConsumer::release(const std::vector<Partition>& partitions) {
  sound_->release(partitions);
}

void BrokenConsumer::close() {
  closing_ = true;
  sound_->close();
}

}  // namespace sluice::conformance
