#include "tests/workers/sample_pool/sample_pool.hpp"

namespace sluice::sample {
namespace {

constexpr db::Sql who_was_greeted = "SELECT event FROM greeted WHERE tenant = $1 AND key = $2";
constexpr db::Sql note = "INSERT INTO greeted (tenant, key, event) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING";

}  // namespace

Task<engine::Outcome> Greeter::handle(const event::Event& event, engine::Attempt& /*attempt*/) {
  if (event.kind != event::Known::message_received) co_return engine::Suppressed{.reason = "no message"};

  const std::string tenant = event.tenant.text();
  const std::string key = event::text_of(event.key);
  const auto greeted = co_await database_.read({who_was_greeted, {tenant, key}});
  if (!greeted) co_return engine::Later{greeted.error()};

  // The event that was greeted makes its greeting again, with the same id: whether the first one became durable is not
  // known here.
  const bool first = greeted->empty() || greeted->text(0, 0) == event.id.text();
  if (!first) co_return engine::Done{};

  engine::Done done;
  done.outputs.push_back({.to = "send",
                          .event = event::child_event(event, {.pool = "greet",
                                                              .kind = event::Known::reply_drafted,
                                                              .key = event.key,
                                                              .time = event.time,
                                                              .data = event::Json::Object{{"body", "Welcome!"}}})});
  done.changes.statements.push_back({note, {tenant, key, event.id.text()}});
  co_return done;
}

}  // namespace sluice::sample
