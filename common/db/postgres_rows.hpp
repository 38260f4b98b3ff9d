// Equal single-row writes that come together travel together.
#pragma once

#include <cstddef>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "common/async/loop.hpp"
#include "common/db/postgres_job.hpp"
#include "common/db/postgres_pool.hpp"
#include "common/db/statement.hpp"

namespace sluice::db {

// INSERT INTO table (columns) VALUES ($1, $2), ($3, $4) … ON CONFLICT (key) DO … RETURNING key, returning
std::string rows_text(const RowShape& shape, std::size_t rows);

// What is written to a shape while a transaction of it is on its way goes into the next one, so the rows of a shape
// take effect in the order in which they came. In a transaction the rows stand in statements of a power of two of rows
// each (few texts to prepare); rows with the same key stand in successive statements. When the transaction is refused
// for what is in it, its rows go again one by one, and only the guilty ones get the failure. When there is no way to
// the server, what waits fails with what was on its way.
class PostgresRows {
 public:
  using Finished = std::function<void(Result<Rows>)>;

  PostgresRows(Loop& loop, PostgresPool& pool, std::size_t rows_max);
  PostgresRows(const PostgresRows&) = delete;
  PostgresRows& operator=(const PostgresRows&) = delete;
  ~PostgresRows();  // answers what waits; the pool went before it, and has answered what was on its way

  // The values have been checked; `finished` is called once, on the loop's thread.
  void write(RowWrite write, Finished finished);

 private:
  struct Row {
    std::vector<Value> values;
    std::string key;
    Finished finished;
  };
  // A transaction that is on its way.
  struct Group {
    std::vector<Row> rows;
    std::vector<std::vector<Row*>> statements;
  };
  struct Shape {
    const RowShape* shape;
    std::vector<std::size_t> key_places;  // of the key's columns among the columns
    std::size_t statement_rows_max;       // as many as the protocol has parameters for
    std::deque<Row> again = {};           // one by one, before anything that waits
    std::size_t timed_out_alone = 0;      // of these
    std::deque<Row> waiting = {};
    bool busy = false;
    std::map<std::size_t, std::string> texts = {};  // by the number of rows; connections remember their addresses
  };

  Shape& shape_of(const RowShape& shape);
  void send_soon(Shape& shape);
  void send(Shape& shape);
  [[nodiscard]] std::shared_ptr<Group> next_group(Shape& shape) const;
  [[nodiscard]] static PostgresCommand command_of(Shape& shape, const std::vector<Row*>& rows);
  void finished(Shape& shape, Group& group, Result<std::vector<Rows>> result);
  static void answer(const Shape& shape, Group& group, std::vector<Rows> results);
  static void refuse(Shape& shape, Group& group, const Failure& failure);

  Loop& loop_;
  PostgresPool& pool_;
  std::size_t rows_max_;  // in one transaction
  std::unordered_map<const RowShape*, std::unique_ptr<Shape>> shapes_;
  std::shared_ptr<PostgresRows*> self_ = std::make_shared<PostgresRows*>(this);  // null for what the loop runs too late
};

}  // namespace sluice::db
