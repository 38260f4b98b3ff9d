// How a pool is tested: with the idempotence kit, and in an engine.
#include "tests/workers/sample_pool/sample_pool.hpp"

#include <algorithm>

#include <doctest/doctest.h>

#include "tests/workers/engine/engine_world.hpp"
#include "tests/workers/support/idempotence.hpp"

using namespace sluice;
using namespace sluice::engine;
using namespace std::chrono_literals;

namespace {

IdempotenceKit kit_for(std::function<Subject(KitWorld&)> make) {
  return {.make = std::move(make),
          .lane = {message("a", 1), message("a", 2), message("a", 3)},
          .schema = {{sample::schema, {}}},
          .tables = {"SELECT tenant, key, event FROM greeted ORDER BY tenant, key"}};
}

// A handler that a test writes in place.
Task<Outcome> done_after_nothing() {
  co_return Outcome{engine::Done{}};
}

struct Written final : Handler {
  using Body = std::function<Task<Outcome>(const event::Event&, Attempt&)>;
  explicit Written(Body its_body) : body(std::move(its_body)) {}
  Task<Outcome> handle(const event::Event& event, Attempt& attempt) override { return body(event, attempt); }
  Body body;
};

bool somewhere(const std::vector<std::string>& findings, std::string_view what) {
  return std::any_of(findings.begin(), findings.end(),
                     [&](const std::string& finding) { return finding.find(what) != std::string::npos; });
}

constexpr db::Sql count_up =
    "INSERT INTO greeted (tenant, key, event) VALUES ($1, 'k', '1') "
    "ON CONFLICT (tenant, key) DO UPDATE SET event = greeted.event || '1'";

Task<Outcome> counts(const event::Event& event, Attempt& /*attempt*/) {
  engine::Done done;
  done.changes.statements.push_back({count_up, {event.tenant.text()}});
  co_return Outcome{std::move(done)};
}

Task<Outcome> answers_anew(std::shared_ptr<std::uint32_t> calls, const event::Event& event) {
  engine::Done done;
  done.outputs.push_back({.to = "send",
                          .event = event::child_event(event, {.pool = "greet",
                                                              .kind = event::Known::reply_drafted,
                                                              .index = (*calls)++,
                                                              .key = event.key,
                                                              .time = event.time})});
  co_return Outcome{std::move(done)};
}

Task<Outcome> writes_at_once(db::Database& database, const event::Event& event, Attempt& attempt) {
  constexpr db::Sql write =
      "INSERT INTO greeted (tenant, key, event) VALUES ($1, $2, $3) "
      "ON CONFLICT (tenant, key) DO UPDATE SET event = excluded.event";
  db::Batch batch;
  batch.statements.push_back({write, {event.tenant.text(), event.id.text(), std::string{attempt.owner()}}});
  const auto written = co_await database.run(std::move(batch));
  REQUIRE(written.has_value());
  co_return Outcome{engine::Done{}};
}

}  // namespace

TEST_CASE("the sample pool may see its events again at any time") {
  const auto kit = kit_for([](KitWorld& world) { return Subject{std::make_unique<sample::Greeter>(world.database)}; });

  CHECK(kit.findings() == std::vector<std::string>{});
}

TEST_CASE("a handler that may not is found") {
  SUBCASE("because it counts each delivery") {
    const auto findings = kit_for([](KitWorld&) { return Subject{std::make_unique<Written>(counts)}; }).findings();
    CHECK(somewhere(findings, "event 1 again after 1 of 3 events"));
    CHECK(somewhere(findings, "the rows of"));
    CHECK_FALSE(somewhere(findings, "stale"));
  }
  SUBCASE("because its outputs have ids of chance") {
    const auto findings = kit_for([](KitWorld&) {
                            auto calls = std::make_shared<std::uint32_t>(0);
                            return Subject{std::make_unique<Written>(
                                [calls](const event::Event& event, Attempt&) { return answers_anew(calls, event); })};
                          }).findings();
    CHECK(somewhere(findings, "event 3 again after 3 of 3 events: the output"));
  }
  SUBCASE("because an orphan still writes") {
    const auto findings =
        kit_for([](KitWorld& world) {
          auto& database = world.database;
          return Subject{std::make_unique<Written>(
              [&database](const event::Event& event, Attempt& a) { return writes_at_once(database, event, a); })};
        }).findings();
    CHECK(somewhere(findings, "from a stale epoch"));
    CHECK_FALSE(somewhere(findings, "again"));
  }
  SUBCASE("because it calls outside each time") {
    const auto findings = kit_for([](KitWorld&) {
                            auto calls = std::make_shared<std::vector<std::string>>();
                            auto handler = std::make_unique<Written>([calls](const event::Event& event, Attempt&) {
                              calls->push_back(event.id.text());
                              return done_after_nothing();
                            });
                            return Subject{std::move(handler), [calls] { return *calls; }};
                          }).findings();
    CHECK(somewhere(findings, "what was done outside"));
  }
}

TEST_CASE("the sample pool greets each conversation once whatever happens to its process") {
  EngineWorld world;
  db::Batch schema;
  schema.statements.push_back({sample::schema, {}});
  REQUIRE(world.store.run_now(schema).has_value());
  db::SimulatedDatabase database{world.store, world.world.loop, world.world.clock, world.world.random};
  sample::Greeter greeter{database};
  world.handler = &greeter;

  for (int n = 1; n <= 5; ++n) {
    world.start();
    world.send("a", n);
    world.send("b", n);
    world.pass(world.world.random.between(Duration{10ms}, Duration{20s}));
    world.crash();
  }
  world.start();
  world.pass(60s);

  std::vector<std::string> ids;
  for (const auto& output : world.read(event::main_topic_of("sluice", "send")))
    ids.emplace_back(*output.header("ce_id"));
  std::sort(ids.begin(), ids.end());
  ids.erase(std::unique(ids.begin(), ids.end()), ids.end());
  CHECK(ids.size() == 2);
  CHECK(world.unfinished(world.topics.main) == 0);
  world.crash();
  world.world.run(database.close());
}
