#include "ops/migrate.hpp"

#include <fmt/format.h>
#include <boost/json.hpp>

#include "common/store/migrations.hpp"

namespace sluice::ops {

Task<Exit> migrate(CommandContext& context) {
  const auto status = co_await store::migrate(context.database, context.clock);
  if (!status) co_return refuse(context.output, status.error());
  context.output.out(fmt::format("the tables are at {}\n", status->version()));
  co_return Exit::fine;
}

namespace {

void tell_table(Output& output, const db::MigrationStatus& status) {
  output.out(fmt::format("{:>7}  {:<24} {}\n", "NUMBER", "NAME", "STATE"));
  for (const auto& applied : status.applied)
    output.out(fmt::format("{:>7}  {:<24} applied\n", applied.version, applied.name));
  for (const auto missing : status.missing)
    output.out(fmt::format("{:>7}  {:<24} missing: run sluice migrate\n", missing, ""));
}

void tell_json(Output& output, const db::MigrationStatus& status) {
  for (const auto& applied : status.applied) {
    const boost::json::object line{
        {"version", applied.version}, {"name", applied.name}, {"applied_at_ms", applied.at.time_since_epoch().count()}};
    output.out(boost::json::serialize(line) + "\n");
  }
  for (const auto missing : status.missing) {
    const boost::json::object line{{"version", missing}, {"applied_at_ms", nullptr}};
    output.out(boost::json::serialize(line) + "\n");
  }
}

}  // namespace

Task<Exit> show_migrations(CommandContext& context, bool json) {
  const auto status = co_await store::migration_status(context.database);
  if (!status) co_return refuse(context.output, status.error());
  if (json) {
    tell_json(context.output, *status);
  } else {
    tell_table(context.output, *status);
  }
  co_return status->missing.empty() ? Exit::fine : Exit::failed;
}

}  // namespace sluice::ops
