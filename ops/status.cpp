#include "ops/status.hpp"

#include <fmt/format.h>
#include <boost/json.hpp>

#include "common/event/pools.hpp"
#include "common/store/migrations.hpp"
#include "common/telemetry/version.hpp"

namespace sluice::ops {
namespace {

struct PoolFigures {
  log::Offset waiting = 0;  // main topic, above the pool's watermark; an upper bound where offsets have gaps
  log::Offset parked = 0;   // retry topic, above the pool's watermark
  log::Offset dead = 0;     // records of the dead-letter topic
};

Task<Result<log::Offset>> count(log::Log& log, const std::string& topic, const std::string& group) {
  log::Offset sum = 0;
  for (std::int32_t number = 0; number < event::partitions_per_topic; ++number) {
    const log::Partition partition{topic, number};
    auto span = co_await log.span(partition);
    if (!span) co_return fail(std::move(span.error()));
    if (group.empty()) {
      sum += span->end - span->first;
      continue;
    }
    auto committed = co_await log.committed(group, partition);
    if (!committed) co_return fail(std::move(committed.error()));
    sum += log::lag(*span, *committed);
  }
  co_return sum;
}

Task<Result<PoolFigures>> figures_of(CommandContext& context, std::string_view pool) {
  const auto& prefix = context.settings.world.topic_prefix;
  const auto topics = event::topics_of(prefix, pool);
  const auto group = event::group_of(prefix, pool);
  auto waiting = co_await count(context.log, topics.main, group);
  if (!waiting) co_return fail(std::move(waiting.error()));
  auto parked = co_await count(context.log, topics.retry, group);
  if (!parked) co_return fail(std::move(parked.error()));
  auto dead = co_await count(context.log, topics.dead, "");
  if (!dead) co_return fail(std::move(dead.error()));
  co_return PoolFigures{*waiting, *parked, *dead};
}

boost::json::object engine_json(const workers::PoolStatus& status) {
  const auto& figures = status.figures;
  return {{"fit", status.health.fit},
          {"detail", status.health.detail},
          {"running", figures.running},
          {"lanes", figures.lanes},
          {"records", figures.records},
          {"parked_lanes", figures.parked_lanes},
          {"parked_events", figures.parked_events},
          {"finished", figures.finished},
          {"dead", figures.dead},
          {"pauses", figures.pauses},
          {"watermark_age_seconds", std::chrono::duration_cast<std::chrono::seconds>(figures.watermark_age).count()}};
}

std::string engine_table(const std::vector<workers::PoolStatus>& pools) {
  if (pools.empty()) return {};
  std::string table = fmt::format("\n{:<10} {:>8} {:>8} {:>8} {:>8} {:>10} {:>7} {:>7}  {}\n", "ENGINE", "RUNNING",
                                  "LANES", "RECORDS", "PARKED", "FINISHED", "DEAD", "PAUSES", "HEALTH");
  for (const auto& [pool, figures, health] : pools) {
    table += fmt::format("{:<10} {:>8} {:>8} {:>8} {:>8} {:>10} {:>7} {:>7}  {}\n", pool, figures.running,
                         figures.lanes, figures.records, figures.parked_events, figures.finished, figures.dead,
                         figures.pauses, health.fit ? "fit" : health.detail);
  }
  return table;
}

std::string served_by(const CommandContext& context) {
  return context.serving_pid == 0 ? "nobody serves here" : fmt::format("served by process {}", context.serving_pid);
}

}  // namespace

Task<Exit> show_status(CommandContext& context, bool json) {
  const auto migrations = co_await store::migration_status(context.database);
  if (!migrations) co_return refuse(context.output, migrations.error());
  boost::json::object pools_json;
  std::string table = fmt::format("{:<10} {:>10} {:>10} {:>10}\n", "POOL", "WAITING", "PARKED", "DEAD");
  for (const auto pool : event::pools) {
    const auto figures = co_await figures_of(context, pool);
    if (!figures && figures.error().kind == Kind::not_found) {
      table += fmt::format("{:<10} {:>10} {:>10} {:>10}\n", pool, "-", "-", "-");
      continue;  // its topics have not been made yet
    }
    if (!figures) co_return refuse(context.output, figures.error());
    table += fmt::format("{:<10} {:>10} {:>10} {:>10}\n", pool, figures->waiting, figures->parked, figures->dead);
    pools_json[pool] = {{"waiting", figures->waiting}, {"parked", figures->parked}, {"dead", figures->dead}};
  }
  const std::string_view world = context.settings.world.split() ? "Kafka and PostgreSQL" : "one process on SQLite";
  if (json) {
    boost::json::object line{{"version", build_version()},
                             {"world", world},
                             {"serving_pid", context.serving_pid},
                             {"schema", migrations->version()},
                             {"migrations_missing", migrations->missing.size()},
                             {"pools", pools_json}};
    if (!context.pools.empty()) {
      boost::json::object engines;
      for (const auto& status : context.pools) engines[status.pool] = engine_json(status);
      line["engines"] = std::move(engines);
    }
    context.output.out(boost::json::serialize(line) + "\n");
  } else {
    context.output.out(fmt::format("Sluice {}, {}, {}\nschema {}, {} migrations missing\n\n{}", build_version(), world,
                                   served_by(context), migrations->version(), migrations->missing.size(),
                                   table + engine_table(context.pools)));
  }
  co_return Exit::fine;
}

}  // namespace sluice::ops
