#include "common/store/rows.hpp"

#include <vector>

namespace sluice::store {

db::Batch batch_of(db::Statement statement) {
  db::Batch batch;
  batch.statements.push_back(std::move(statement));
  return batch;
}

Task<Result<db::Rows>> run(db::Database& database, db::Statement statement) {
  auto running = database.run(batch_of(std::move(statement)));
  auto answers = co_await std::move(running);
  if (!answers) co_return fail(std::move(answers).error());
  co_return std::move(answers->front());
}

Task<Done> carry_out(db::Database& database, db::Batch batch) {
  auto running = database.run(std::move(batch));
  auto ran = co_await std::move(running);
  if (!ran) co_return fail(std::move(ran).error());
  co_return Done{};
}

Task<Result<std::int64_t>> remove(db::Database& database, db::Statement statement) {
  auto running = run(database, std::move(statement));
  const auto removed = co_await std::move(running);
  if (!removed) co_return fail(removed.error());
  co_return removed->touched;
}

}  // namespace sluice::store
