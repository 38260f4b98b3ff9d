#include "common/store/outcomes.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "common/db/dialect.hpp"
#include "common/store/rows.hpp"

namespace sluice::store {
namespace {

constexpr std::array terms{Term::in_flight, Term::sent,    Term::human,        Term::suppressed,
                           Term::expired,   Term::unknown, Term::dead_lettered};

// How much a word says; stored beside the term, so that the databases can compare.
constexpr std::int64_t undeliverable_weight = 4;
std::int64_t weight_of(Term term) {
  switch (term) {
    case Term::in_flight:
      return 0;
    case Term::unknown:
      return 1;
    case Term::human:
    case Term::suppressed:
    case Term::expired:
    case Term::dead_lettered:
      return 2;
    case Term::sent:
      return 3;
  }
  return 0;
}

constexpr db::Sql say_of_whole =
    "INSERT INTO outcomes (tenant, root, term, reason, at, weight) VALUES ($1, $2, $3, $4, $5, $6) "
    "ON CONFLICT (tenant, root) DO UPDATE SET term = excluded.term, reason = excluded.reason, at = excluded.at, "
    "weight = excluded.weight WHERE excluded.weight > outcomes.weight";
constexpr db::Sql reopen_whole =
    "UPDATE outcomes SET term = 'in_flight', reason = '', at = $3, weight = 0 "
    "WHERE tenant = $1 AND root = $2 AND term = 'dead_lettered'";

// Parts of one event are written one batch after the other: each has to see what the others are.
constexpr db::Sql hold_whole =
    "INSERT INTO outcomes (tenant, root, term, reason, at, weight) VALUES ($1, $2, 'in_flight', '', $3, 0) "
    "ON CONFLICT (tenant, root) DO UPDATE SET root = excluded.root";
constexpr db::Sql say_of_part =
    "INSERT INTO outcome_parts (tenant, root, term, reason, at, weight, part) VALUES ($1, $2, $3, $4, $5, $6, $7) "
    "ON CONFLICT (tenant, root, part) DO UPDATE SET term = excluded.term, reason = excluded.reason, at = excluded.at, "
    "weight = excluded.weight WHERE excluded.weight > outcome_parts.weight";
constexpr db::Sql reopen_part =
    "UPDATE outcome_parts SET term = 'in_flight', reason = '', at = $3, weight = 0 "
    "WHERE tenant = $1 AND root = $2 AND part = $4 AND term = 'dead_lettered'";
constexpr db::Sql take_worst =
    "UPDATE outcomes SET term = worst.term, reason = worst.reason, at = worst.at, weight = worst.weight "
    "FROM (SELECT term, reason, at, weight FROM outcome_parts WHERE tenant = $1 AND root = $2 "
    "ORDER BY CASE term WHEN 'in_flight' THEN 6 WHEN 'dead_lettered' THEN 5 WHEN 'unknown' THEN 4 WHEN 'expired' THEN "
    "3 "
    "WHEN 'human' THEN 2 WHEN 'suppressed' THEN 1 ELSE 0 END DESC, at, part LIMIT 1) AS worst "
    "WHERE tenant = $1 AND root = $2";

constexpr db::Sql find_outcome_row = "SELECT root, term, reason, at FROM outcomes WHERE tenant = $1 AND root = $2";
constexpr db::Sql count_terms = "SELECT term, count(*) FROM outcomes WHERE tenant = $1 GROUP BY term";
constexpr db::Sql list_page =
    "SELECT root, term, reason, at FROM outcomes WHERE tenant = $1 AND root > $2 ORDER BY root LIMIT $3";

constexpr auto old_ones = db::piece<
    "(SELECT tenant, root FROM outcomes WHERE term <> 'in_flight' AND at < $1 ORDER BY at, tenant, root LIMIT $2">;
constexpr db::Sql remove_parts = db::joined<"DELETE FROM outcome_parts WHERE (tenant, root) IN ", old_ones, ")">();
constexpr db::Sql remove_outcomes = db::joined<"DELETE FROM outcomes WHERE (tenant, root) IN ", old_ones, ")">();

Result<Term> term_of(const std::string& name) {
  const auto found = std::ranges::find_if(terms, [&](auto term) { return name_of(term) == name; });
  if (found == terms.end()) return fail(Kind::corrupt, "a row of outcomes has a term that is none");
  return *found;
}

Result<RootOutcome> outcome_of(const db::Rows& rows, std::size_t row) {
  auto term = term_of(rows.text(row, 1));
  if (!term) return fail(std::move(term).error());
  return RootOutcome{rows.text(row, 0), *term, rows.text(row, 2), moment(rows, row, 3)};
}

std::vector<db::Statement> said(const OutcomeWord& word, std::int64_t weight) {
  const auto tenant = word.tenant.text();
  const auto root = word.root.text();
  std::vector<db::Value> values{tenant, root, std::string{name_of(word.term)}, word.reason, stored(word.at), weight};
  if (word.part.empty()) return {{say_of_whole, std::move(values)}};
  values.emplace_back(word.part);
  return {
      {hold_whole, {tenant, root, stored(word.at)}}, {say_of_part, std::move(values)}, {take_worst, {tenant, root}}};
}

}  // namespace

std::string_view name_of(Term term) {
  switch (term) {
    case Term::in_flight:
      return "in_flight";
    case Term::sent:
      return "sent";
    case Term::human:
      return "human";
    case Term::suppressed:
      return "suppressed";
    case Term::expired:
      return "expired";
    case Term::unknown:
      return "unknown";
    case Term::dead_lettered:
      return "dead_lettered";
  }
  return "";
}

std::vector<db::Statement> outcome_rows(const OutcomeWord& word) {
  return said(word, weight_of(word.term));
}

Task<Done> record_outcome(db::Database& database, OutcomeWord word) {
  db::Batch batch;
  batch.statements = outcome_rows(word);
  return carry_out(database, std::move(batch));
}

std::vector<db::Statement> undeliverable_rows(const OutcomeWord& word) {
  auto suppressed = word;
  suppressed.term = Term::suppressed;
  return said(suppressed, undeliverable_weight);
}

std::vector<db::Statement> reopened_rows(const event::Tenant& tenant, const event::EventId& root, WallTime at,
                                         const std::string& part) {
  const std::vector<db::Value> values{tenant.text(), root.text(), stored(at)};
  if (part.empty()) return {{reopen_whole, values}};
  return {{hold_whole, values},
          {reopen_part, {tenant.text(), root.text(), stored(at), part}},
          {take_worst, {tenant.text(), root.text()}}};
}

Task<Result<std::optional<RootOutcome>>> find_outcome(db::Database& database, event::Tenant tenant,
                                                      event::EventId root) {
  auto reading = database.read({find_outcome_row, {tenant.text(), root.text()}});
  const auto rows = co_await std::move(reading);
  if (!rows) co_return fail(rows.error());
  if (rows->empty()) co_return std::nullopt;
  auto outcome = outcome_of(*rows, 0);
  if (!outcome) co_return fail(std::move(outcome).error());
  co_return std::move(*outcome);
}

Task<Result<std::map<Term, std::int64_t>>> count_outcomes(db::Database& database, event::Tenant tenant) {
  auto reading = database.read({count_terms, {tenant.text()}});
  const auto rows = co_await std::move(reading);
  if (!rows) co_return fail(rows.error());
  std::map<Term, std::int64_t> counts;
  for (std::size_t row = 0; row < rows->size(); ++row) {
    auto term = term_of(rows->text(row, 0));
    if (!term) co_return fail(std::move(term).error());
    counts[*term] = rows->integer(row, 1);
  }
  co_return counts;
}

Task<Result<std::vector<RootOutcome>>> list_outcomes(db::Database& database, event::Tenant tenant, std::string after,
                                                     std::int64_t rows_max) {
  auto reading = database.read({list_page, {tenant.text(), std::move(after), rows_max}});
  const auto rows = co_await std::move(reading);
  if (!rows) co_return fail(rows.error());
  std::vector<RootOutcome> outcomes;
  for (std::size_t row = 0; row < rows->size(); ++row) {
    auto outcome = outcome_of(*rows, row);
    if (!outcome) co_return fail(std::move(outcome).error());
    outcomes.push_back(std::move(*outcome));
  }
  co_return outcomes;
}

Task<Result<std::int64_t>> forget_outcomes(db::Database& database, WallTime before, std::int64_t limit) {
  db::Batch batch;
  batch.statements.push_back({remove_parts, {stored(before), limit}});
  batch.statements.push_back({remove_outcomes, {stored(before), limit}});
  auto running = database.run(std::move(batch));
  const auto answers = co_await std::move(running);
  if (!answers) co_return fail(answers.error());
  co_return answers->back().touched;
}

}  // namespace sluice::store
