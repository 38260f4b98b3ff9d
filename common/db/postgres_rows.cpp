#include "common/db/postgres_rows.hpp"

#include <algorithm>
#include <bit>
#include <iterator>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "common/base/ensure.hpp"
#include "common/db/postgres_wire.hpp"
#include "common/db/values.hpp"

namespace sluice::db {
namespace {

constexpr std::size_t group_bytes_max = std::size_t{4} << 20U;  // of a transaction; a larger row travels alone
constexpr std::size_t timed_out_alone_max = 2;                  // rows that go again one by one

// The failures that a row brings upon the others of its transaction. lock_timeout is one: the row waits for somebody.
bool is_about_rows(Kind kind) {
  return kind == Kind::conflict || kind == Kind::invalid || kind == Kind::ours || kind == Kind::corrupt ||
         kind == Kind::timed_out;
}

std::string key_at(std::span<const Value> values, std::span<const std::size_t> places) {
  std::vector<Value> key;
  key.reserve(places.size());
  for (const auto place : places) key.push_back(values[place]);
  return key_of(key);
}

// One returned row: the key's columns come first and are not the caller's.
Rows answer_of(const RowShape& shape, std::vector<Value> returned) {
  Rows answer;
  answer.touched = 1;
  if (!shape.returning.empty()) {
    returned.erase(returned.begin(), returned.begin() + static_cast<std::ptrdiff_t>(shape.key.size()));
    answer.rows.push_back(std::move(returned));
  }
  return answer;
}

// The answers to the rows of one statement, by their keys; what was not returned was not written.
std::vector<Result<Rows>> answers_of(const RowShape& shape, std::span<const std::string_view> keys, Rows returned) {
  std::vector<Result<Rows>> answers(keys.size());
  std::unordered_map<std::string_view, std::size_t> places;
  for (std::size_t place = 0; place < keys.size(); ++place) places.emplace(keys[place], place);
  bool stranger = false;
  for (auto& row : returned.rows) {
    const auto found = places.find(key_of(std::span{row}.first(shape.key.size())));
    if (keys.size() > 1 && found == places.end()) {
      stranger = true;
      continue;
    }
    const auto place = keys.size() == 1 ? 0 : found->second;
    answers[place] = answer_of(shape, std::move(row));
  }
  if (!stranger) return answers;
  for (auto& answer : answers) {
    if (answer->touched == 0)
      answer = fail(Kind::ours,
                    fmt::format("{}: a key came back that had not been sent; its columns must keep integers, texts "
                                "or bytes as they are",
                                shape.table));
  }
  return answers;
}

}  // namespace

std::string rows_text(const RowShape& shape, std::size_t rows) {
  auto text = fmt::format("INSERT INTO {} ({}) VALUES ", shape.table, fmt::join(shape.columns, ", "));
  std::size_t number = 0;
  for (std::size_t row = 0; row < rows; ++row) {
    text += row == 0 ? "(" : ", (";
    for (std::size_t column = 0; column < shape.columns.size(); ++column)
      fmt::format_to(std::back_inserter(text), "{}${}", column == 0 ? "" : ", ", ++number);
    text += ")";
  }
  fmt::format_to(std::back_inserter(text), " ON CONFLICT ({}) DO ", fmt::join(shape.key, ", "));
  if (shape.on_conflict == "nothing") {
    text += "NOTHING";
  } else {
    fmt::format_to(std::back_inserter(text), "UPDATE SET {}", shape.on_conflict);
  }
  fmt::format_to(std::back_inserter(text), " RETURNING {}", fmt::join(shape.key, ", "));
  for (const auto column : shape.returning) fmt::format_to(std::back_inserter(text), ", {}", column);
  return text;
}

PostgresRows::PostgresRows(Loop& loop, PostgresPool& pool, std::size_t rows_max)
    : loop_(loop), pool_(pool), rows_max_(rows_max) {}

PostgresRows::~PostgresRows() {
  *self_ = nullptr;
  for (const auto& [key, shape] : shapes_) {
    for (auto* rows : {&shape->again, &shape->waiting}) {
      for (auto& row : *rows) row.finished(fail(Kind::stopping, "the database is closed"));
    }
  }
}

PostgresRows::Shape& PostgresRows::shape_of(const RowShape& shape) {
  auto& known = shapes_[&shape];
  if (known) return *known;
  const auto most = std::min(rows_max_, parameters_max / std::max<std::size_t>(shape.columns.size(), 1));
  known = std::make_unique<Shape>(Shape{.shape = &shape, .key_places = {}, .statement_rows_max = std::bit_floor(most)});
  for (const auto column : shape.key) {
    const auto found = std::find(shape.columns.begin(), shape.columns.end(), column);
    ENSURE(found != shape.columns.end(), "the key of a shape stands among its columns");
    known->key_places.push_back(static_cast<std::size_t>(found - shape.columns.begin()));
  }
  return *known;
}

void PostgresRows::write(RowWrite write, Finished finished) {
  auto& shape = shape_of(*write.shape);
  auto key = key_at(write.values, shape.key_places);
  shape.waiting.push_back({std::move(write.values), std::move(key), std::move(finished)});
  if (!std::exchange(shape.busy, true)) send_soon(shape);
}

// In the next turn of the loop, so that what many tasks write in this one travels together.
void PostgresRows::send_soon(Shape& shape) {
  loop_.post([self = self_, &shape] {
    if (*self != nullptr) (*self)->send(shape);
  });
}

void PostgresRows::send(Shape& shape) {
  if (shape.again.empty() && shape.waiting.empty()) {
    shape.busy = false;
    return;
  }
  auto group = next_group(shape);
  auto job = std::make_unique<PostgresJob>();
  for (const auto& rows : group->statements) job->commands.push_back(command_of(shape, rows));
  job->finished = [this, &shape, group = std::move(group)](Result<std::vector<Rows>> result) {
    finished(shape, *group, std::move(result));
  };
  pool_.submit(std::move(job));
}

std::shared_ptr<PostgresRows::Group> PostgresRows::next_group(Shape& shape) const {
  auto group = std::make_shared<Group>();
  auto& source = shape.again.empty() ? shape.waiting : shape.again;
  const auto rows_max = shape.again.empty() ? rows_max_ : 1;
  std::size_t bytes = 0;
  while (!source.empty() && group->rows.size() < rows_max) {
    bytes += bytes_of(source.front().values);
    if (!group->rows.empty() && bytes > group_bytes_max) break;
    group->rows.push_back(std::move(source.front()));
    source.pop_front();
  }
  std::vector<std::vector<Row*>> waves;  // the n-th row of a key stands in the n-th
  std::unordered_map<std::string_view, std::size_t> seen;
  for (auto& row : group->rows) {
    const auto wave = seen[row.key]++;
    if (wave == waves.size()) waves.emplace_back();
    waves[wave].push_back(&row);
  }
  for (const auto& wave : waves) {
    for (std::size_t begin = 0; begin < wave.size();) {
      const auto size = std::min(std::bit_floor(wave.size() - begin), shape.statement_rows_max);
      const auto first = wave.begin() + static_cast<std::ptrdiff_t>(begin);
      group->statements.emplace_back(first, first + static_cast<std::ptrdiff_t>(size));
      begin += size;
    }
  }
  return group;
}

PostgresCommand PostgresRows::command_of(Shape& shape, const std::vector<Row*>& rows) {
  auto& text = shape.texts[rows.size()];
  if (text.empty()) text = rows_text(*shape.shape, rows.size());
  PostgresCommand command{.text = text.c_str()};
  command.values.reserve(rows.size() * shape.shape->columns.size());
  // Copied, since they are needed once more when one of the rows spoils the transaction.
  for (const auto* row : rows) command.values.insert(command.values.end(), row->values.begin(), row->values.end());
  return command;
}

void PostgresRows::finished(Shape& shape, Group& group, Result<std::vector<Rows>> result) {
  if (result) {
    answer(shape, group, std::move(*result));
  } else if (group.rows.size() > 1 && is_about_rows(result.error().kind)) {
    shape.timed_out_alone = 0;
    std::move(group.rows.begin(), group.rows.end(), std::back_inserter(shape.again));
  } else {
    refuse(shape, group, result.error());
  }
  send_soon(shape);  // who has just been answered may have another row
}

void PostgresRows::answer(const Shape& shape, Group& group, std::vector<Rows> results) {
  for (std::size_t place = 0; place < group.statements.size(); ++place) {
    const auto& rows = group.statements[place];
    std::vector<std::string_view> keys;
    keys.reserve(rows.size());
    for (const auto* row : rows) keys.push_back(row->key);
    auto answers = answers_of(*shape.shape, keys, std::move(results[place]));
    for (std::size_t row = 0; row < rows.size(); ++row) rows[row]->finished(std::move(answers[row]));
  }
}

void PostgresRows::refuse(Shape& shape, Group& group, const Failure& failure) {
  const auto refuse_all = [&](auto& rows) {
    for (const auto& row : rows) row.finished(fail(Failure{failure}));
    rows.clear();
  };
  refuse_all(group.rows);
  // Somebody holds more than a row or two: the others would wait as long for nothing, one after the other.
  const bool all_locked = failure.kind == Kind::timed_out && ++shape.timed_out_alone >= timed_out_alone_max;
  const bool no_way = failure.kind == Kind::unavailable || failure.kind == Kind::overloaded;
  if (all_locked || no_way) refuse_all(shape.again);
  if (no_way) refuse_all(shape.waiting);
}

}  // namespace sluice::db
