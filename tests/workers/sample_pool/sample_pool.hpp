// A pool, as small as one can be: it greets everybody once, on the first message of their conversation.
#pragma once

#include "common/db/database.hpp"
#include "workers/engine/handler.hpp"

namespace sluice::sample {

constexpr db::Sql schema =
    "CREATE TABLE greeted (tenant text NOT NULL, key text NOT NULL, event text NOT NULL, PRIMARY KEY (tenant, key))";

class Greeter final : public engine::Handler {
 public:
  explicit Greeter(db::Database& database) : database_(database) {}

  Task<engine::Outcome> handle(const event::Event& event, engine::Attempt& attempt) override;

 private:
  db::Database& database_;
};

}  // namespace sluice::sample
