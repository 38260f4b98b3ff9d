#include "tests/conformance/database_broken.hpp"

#include <algorithm>
#include <optional>
#include <utility>

namespace sluice::db::conformance {
namespace {

constexpr std::string_view every_channel = "every channel";

}  // namespace

Task<Result<std::vector<Rows>>> BrokenDatabase::run(Batch batch) {
  break_batch(batch);
  const bool tenth = ++batches_ % 10 == 0;
  if (is(Mutation::splits_batches)) {
    auto pieces = co_await run_in_pieces(std::move(batch));
    co_return pieces;
  }
  if (is(Mutation::loses_a_batch) && tenth) co_return std::vector<Rows>(batch.statements.size());
  if (is(Mutation::repeats_batches)) co_await run_and_forget(batch);
  const auto notices = batch.notices;
  auto answers = co_await sound_.run(std::move(batch));
  if (is(Mutation::denies_a_batch) && tenth && answers) co_return fail(Kind::unavailable, "it is not");
  if (is(Mutation::tells_of_failures) && !answers) co_await run_and_forget({{}, notices});
  if (!answers) break_failure(answers.error());
  co_return answers;
}

Task<> BrokenDatabase::run_and_forget(Batch batch) {
  auto running = sound_.run(std::move(batch));
  static_cast<void>(co_await std::move(running));
}

Task<Result<std::vector<Rows>>> BrokenDatabase::run_in_pieces(Batch batch) {
  std::vector<Rows> all;
  for (const auto& statement : batch.statements) {
    Batch piece;
    piece.statements.push_back(statement);
    auto answers = co_await sound_.run(std::move(piece));
    if (!answers) co_return answers;
    all.push_back(std::move(answers->front()));
  }
  co_await run_and_forget({{}, batch.notices});
  co_return all;
}

Task<Result<Rows>> BrokenDatabase::read(Statement statement) {
  const auto text = statement.sql.for_sqlite();
  break_values(statement.values);
  auto rows = co_await sound_.read(std::move(statement));
  if (!rows || !is(Mutation::reads_behind) || !text.starts_with("SELECT count")) co_return rows;
  const auto before = last_read_.find(text);
  auto answer = before == last_read_.end() ? *rows : before->second;
  last_read_[text] = std::move(*rows);
  co_return answer;
}

Task<Result<Rows>> BrokenDatabase::write_row(RowWrite write) {
  break_values(write.values);
  auto rows = co_await sound_.write_row(std::move(write));
  if (!rows) {
    break_failure(rows.error());
    co_return rows;
  }
  if (is(Mutation::writes_rows_always)) rows->touched = 1;
  if (is(Mutation::mixes_up_rows)) {
    auto before = std::exchange(last_row_, last_row_ ? std::nullopt : std::optional{*rows});
    if (before) co_return std::move(*before);
  }
  co_return rows;
}

std::unique_ptr<Listening> BrokenDatabase::listen(std::string channel, std::function<void()> heard) {
  if (is(Mutation::hears_everything)) channel = every_channel;
  auto listening = sound_.listen(std::move(channel), std::move(heard));
  if (!is(Mutation::listens_for_ever)) return listening;
  never_ended_.push_back(std::move(listening));
  return nullptr;
}

Task<> BrokenDatabase::close() {
  if (!is(Mutation::goes_on_after_close)) co_await sound_.close();
}

void BrokenDatabase::break_batch(Batch& batch) const {
  for (auto& statement : batch.statements) {
    break_values(statement.values);
    if (is(Mutation::ignores_expectations)) statement.expect = Expect::any();
  }
  if (is(Mutation::forgets_notices)) batch.notices.clear();
  if (is(Mutation::hears_everything) && !batch.notices.empty()) batch.notices.emplace_back(every_channel);
}

void BrokenDatabase::break_values(std::vector<Value>& values) const {
  constexpr std::int64_t low_bits = 0x7FF;
  for (auto& value : values) {
    if (is(Mutation::mistakes_null_for_empty) && std::holds_alternative<std::monostate>(value)) value = "";
    auto* text = std::get_if<std::string>(&value);
    if (is(Mutation::takes_any_text) && text != nullptr) std::ranges::replace(*text, '\0', '?');
    auto* integer = std::get_if<std::int64_t>(&value);
    if (is(Mutation::takes_part_of_a_number) && integer != nullptr && *integer > low_bits) *integer &= ~low_bits;
  }
}

void BrokenDatabase::break_failure(Failure& failure) const {
  if (is(Mutation::calls_conflicts_ours) && failure.kind == Kind::conflict) failure.kind = Kind::ours;
  if (is(Mutation::hides_overload) && failure.kind == Kind::overloaded) failure.kind = Kind::unavailable;
}

}  // namespace sluice::db::conformance
