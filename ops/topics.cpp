#include "ops/topics.hpp"

#include <algorithm>

#include <fmt/format.h>
#include <boost/json.hpp>

#include "common/event/pools.hpp"

namespace sluice::ops {
namespace {

constexpr std::chrono::hours day{24};

struct Figures {
  log::Offset records = 0;  // an upper bound where offsets have gaps
  log::Offset lag = 0;      // of the pool that reads it
};

std::string group_reading(std::string_view prefix, std::string_view topic) {
  for (const auto pool : event::pools) {
    const auto topics = event::topics_of(prefix, pool);
    if (topic == topics.main || topic == topics.retry) return event::group_of(prefix, pool);
  }
  return {};
}

Task<Result<Figures>> figures_of(CommandContext& context, const log::TopicInfo& topic) {
  Figures figures;
  const std::string group = group_reading(context.settings.world.topic_prefix, topic.spec.name);
  for (std::int32_t number = 0; number < topic.spec.partitions; ++number) {
    const log::Partition partition{topic.spec.name, number};
    auto span = co_await context.log.span(partition);
    if (!span) co_return fail(std::move(span.error()));
    figures.records += span->end - span->first;
    if (group.empty()) continue;
    auto committed = co_await context.log.committed(group, partition);
    if (!committed) co_return fail(std::move(committed.error()));
    figures.lag += log::lag(*span, *committed);
  }
  co_return figures;
}

void tell(Output& output, const log::TopicInfo& topic, const Figures& figures, bool json) {
  const auto& spec = topic.spec;
  const std::int64_t days = spec.retention ? std::chrono::duration_cast<std::chrono::hours>(*spec.retention) / day : 0;
  if (json) {
    const boost::json::object line{{"name", spec.name},           {"partitions", spec.partitions},
                                   {"replicas", topic.replicas},  {"retention_days", days},
                                   {"compacted", spec.compacted}, {"records_at_most", figures.records},
                                   {"lag_at_most", figures.lag}};
    output.out(boost::json::serialize(line) + "\n");
  } else {
    output.out(fmt::format("{:<28} {:>10} {:>9} {:>10} {:>12} {:>10}\n", spec.name, spec.partitions, topic.replicas,
                           days == 0 ? std::string{"for ever"} : fmt::format("{} d", days), figures.records,
                           figures.lag));
  }
}

}  // namespace

std::vector<log::TopicSpec> topics_wanted(std::string_view prefix) {
  std::vector<log::TopicSpec> wanted;
  for (const auto pool : event::pools) {
    const auto topics = event::topics_of(prefix, pool);
    wanted.push_back(
        {.name = topics.main, .partitions = event::partitions_per_topic, .retention = event::pool_retention});
    wanted.push_back(
        {.name = topics.retry, .partitions = event::partitions_per_topic, .retention = event::pool_retention});
    wanted.push_back({.name = topics.dead,
                      .partitions = event::partitions_per_topic,
                      .retention = event::dead_retention,
                      .compacted = true});
  }
  return wanted;
}

Task<Exit> list_topics(CommandContext& context, bool json) {
  auto topics = co_await context.log.topics();
  if (!topics) co_return refuse(context.output, topics.error());
  std::sort(topics->begin(), topics->end(),
            [](const auto& one, const auto& other) { return one.spec.name < other.spec.name; });
  if (!json)
    context.output.out(fmt::format("{:<28} {:>10} {:>9} {:>10} {:>12} {:>10}\n", "TOPIC", "PARTITIONS", "REPLICAS",
                                   "KEPT", "RECORDS", "LAG"));
  for (const auto& topic : *topics) {
    const auto figures = co_await figures_of(context, topic);
    if (!figures) co_return refuse(context.output, figures.error());
    tell(context.output, topic, *figures, json);
  }
  co_return Exit::fine;
}

Task<Exit> create_topics(CommandContext& context) {
  const auto wanted = topics_wanted(context.settings.world.topic_prefix);
  const auto made = co_await context.log.create_topics(wanted);
  if (!made) co_return refuse(context.output, made.error());
  context.output.out(
      fmt::format("{} topics with {} partitions each are there\n", wanted.size(), event::partitions_per_topic));
  co_return Exit::fine;
}

}  // namespace sluice::ops
