#include "ops/serve.hpp"

#include <optional>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <unistd.h>

#include "common/async/clock_real.hpp"
#include "common/async/deadline.hpp"
#include "common/async/scope.hpp"
#include "common/async/spawn.hpp"
#include "common/process/private_listener.hpp"
#include "common/process/readiness.hpp"
#include "common/process/signals.hpp"
#include "common/process/world.hpp"
#include "common/store/migrations.hpp"
#include "common/telemetry/version.hpp"
#include "ops/command.hpp"
#include "ops/topics.hpp"
#include "workers/pool_runner.hpp"

namespace sluice::ops {
namespace {

constexpr std::chrono::seconds command_wait_max{5};  // a command that works on the file right now is waited for
constexpr std::chrono::milliseconds command_pause{50};
constexpr std::chrono::seconds world_look_pause{1};  // how often readiness looks at the log and the database

LoggerSettings logger_settings(const config::ProcessSettings& settings) {
  LoggerSettings result;
  for (const Level level : {Level::debug, Level::info, Level::warn, Level::error}) {
    if (name_of(level) == settings.log_level) result.level = level;
  }
  const bool text = settings.log_format == "text" || (settings.log_format.empty() && ::isatty(STDOUT_FILENO) != 0);
  result.format = text ? LineFormat::text : LineFormat::json;
  return result;
}

// The parts of a serving process in the order in which they start; they stop in the opposite one.
class Serving {
 public:
  Serving(const config::Reading& reading, Serves what, Output& output)
      : reading_(reading),
        settings_(reading.settings),
        what_(std::move(what)),
        output_(output),
        logger_(clock_, who(), logger_settings(settings_.process), Logger::to_stdout()),
        readiness_(clock_),
        background_(loop_) {}

  Exit run() {
    spawn(loop_, live(), or_die(who()));
    loop_.hold();
    loop_.run();
    logger_.flush();
    return exit_;
  }

 private:
  [[nodiscard]] std::string who() const { return what_.workers_alone ? "worker" : "up"; }

  Task<> live() {
    StopSignals stop_signals{loop_};  // before anybody can hear that we are ready
    const auto started = co_await start();
    if (started) {
      co_await stop_signals.wait();
      logger_.info("draining", {});
    } else {
      exit_ = refuse(output_, started.error());
    }
    co_await stop();
    loop_.stop();
  }

  Task<Result<void>> start() {
    for (const auto& line : config::described(reading_)) logger_.info("setting", {{"value", line}});
    auto opened = co_await open_world();
    if (!opened) co_return fail(std::move(opened.error()));
    auto prepared = co_await prepare_world();
    if (!prepared) co_return fail(std::move(prepared.error()));
    background_.start(keep_turning(readiness_, clock_));
    background_.start(world_->keep());
    start_pools();
    co_await look_at_world();  // whoever reads `listening` may ask at once whether we are ready
    background_.start(keep_looking());
    co_return listen();
  }

  Task<Result<void>> open_world() {
    const WorldParts parts{loop_, clock_, random_, logger_};
    if (settings_.world.split()) {
      auto world = open_split_world(settings_.world, settings_.process.instance, parts);
      if (!world) co_return fail(std::move(world.error()));
      world_ = std::move(*world);
      co_return Result<void>{};
    }
    auto folder = DataFolder::open(settings_.process.data_dir.empty() ? "data" : settings_.process.data_dir);
    if (!folder) co_return fail(std::move(folder.error()));
    folder_.emplace(std::move(*folder));
    auto lock = co_await lock_folder();
    if (!lock) co_return fail(std::move(lock.error()));
    lock_.emplace(std::move(*lock));
    auto world = open_embedded_world(*folder_, parts);
    if (!world) co_return fail(std::move(world.error()));
    world_ = std::move(*world);
    co_return Result<void>{};
  }

  Task<Result<FolderLock>> lock_folder() {
    const Instant give_up = clock_.now() + command_wait_max;
    while (true) {
      auto lock = folder_->lock(DataFolder::Holder::serving);
      const auto holder = folder_->held_by();
      const bool wait = !lock && holder && holder->as == DataFolder::Holder::command && clock_.now() < give_up;
      if (!wait) co_return lock;
      co_await clock_.sleep_for(command_pause);
    }
  }

  Task<Result<void>> prepare_world() {
    auto migrated = co_await store::migrate(world_->database(), clock_);
    if (!migrated) co_return fail(std::move(migrated.error()).while_doing("bringing the tables to this release"));
    auto made = co_await world_->log().create_topics(topics_wanted(settings_.world.topic_prefix));
    if (!made) co_return fail(std::move(made.error()).while_doing("making the topics"));
    co_return Result<void>{};
  }

  void start_pools() {
    pools_.emplace(workers::PoolContext{.settings = settings_,
                                        .loop = loop_,
                                        .clock = clock_,
                                        .random = random_,
                                        .log = world_->log(),
                                        .database = world_->database(),
                                        .logger = logger_,
                                        .metrics = metrics_,
                                        .owner = fmt::format("{}/{}/{:016x}", who(), ::getpid(), random_.next())});
    pools_->start(what_.pools, what_.names);
  }

  Result<void> listen() {
    if (folder_) {
      auto socket = ControlSocket::listen(loop_, folder_->socket_file(),
                                          [this](std::vector<std::string> arguments, Output& output) {
                                            return answer_command(std::move(arguments), output);
                                          });
      if (!socket) return fail(std::move(socket.error()));
      socket_ = std::move(*socket);
    }
    constexpr std::int64_t private_port_default = 8081;
    const std::int64_t port_unset = what_.workers_alone ? 0 : private_port_default;
    const auto port = static_cast<std::uint16_t>(settings_.private_listener.port.value_or(port_unset));
    auto listener = PrivateListener::listen(settings_.private_listener.bind, port, readiness_, metrics_);
    if (!listener) return fail(std::move(listener.error()));
    private_listener_ = std::move(*listener);
    logger_.info("listening", {{"private_port", private_listener_->port()},
                               {"version", build_version()},
                               {"world", settings_.world.split() ? "kafka+postgresql" : "sqlite"},
                               {"serves", serves()}});
    return {};
  }

  [[nodiscard]] std::string serves() const {
    const auto pools =
        what_.names.empty() ? std::string{"no pools yet"} : fmt::format("the pools {}", fmt::join(what_.names, ", "));
    if (what_.workers_alone) return fmt::format("{}, private port", pools);
    return fmt::format("log, database, private port; this version has no edge and {}", pools);
  }

  Task<int> answer_command(std::vector<std::string> arguments, Output& output) {
    const Parsed parsed = parse_command_line(arguments, reading_);
    if (parsed.does != Parsed::Does::work) {
      output.err("sluice: this command does not work on a running process\n");
      co_return static_cast<int>(Exit::usage);
    }
    CommandContext context{settings_, world_->log(), world_->database(), clock_, output, ::getpid(), pools_->status()};
    const Exit code = co_await parsed.work(context);
    co_return static_cast<int>(code);
  }

  // What readiness says of the log and the database is what they answered a moment ago.
  Task<> look_at_world() {
    const log::Partition partition{topics_wanted(settings_.world.topic_prefix).front().name, 0};
    const auto span = co_await world_->log().span(partition);
    readiness_.part("log", span.has_value(), span ? "" : span.error().sentence);
    const auto row = co_await world_->database().read({.sql = "SELECT 1"});
    readiness_.part("database", row.has_value(), row ? "" : row.error().sentence);
    if (!what_.workers_alone) co_return;
    for (const auto& pool : pools_->status()) readiness_.part(pool.pool, pool.health.fit, pool.health.detail);
  }

  Task<> keep_looking() {
    while (true) {
      co_await clock_.sleep_for(world_look_pause);
      co_await look_at_world();
    }
  }

  Task<> stop() {
    readiness_.drain();
    if (socket_) co_await socket_->close();
    if (pools_) co_await pools_->stop();
    background_.cancel();
    co_await background_.join();
    private_listener_.reset();
    pools_.reset();
    if (world_) co_await world_->close();
    world_.reset();
    lock_.reset();
    logger_.info("stopped", {});
  }

  const config::Reading& reading_;
  const config::Settings& settings_;
  Serves what_;
  Output& output_;
  Loop loop_;
  RealClock clock_{loop_};
  SystemRandom random_;
  Logger logger_;
  Metrics metrics_;
  Readiness readiness_;
  std::optional<DataFolder> folder_;
  std::optional<FolderLock> lock_;
  std::unique_ptr<World> world_;
  std::optional<workers::PoolRunner> pools_;
  std::unique_ptr<ControlSocket> socket_;
  std::unique_ptr<PrivateListener> private_listener_;
  Scope background_;
  Exit exit_ = Exit::fine;
};

}  // namespace

Exit serve(const config::Reading& reading, Serves what, Output& output) {
  Serving serving{reading, std::move(what), output};
  return serving.run();
}

}  // namespace sluice::ops
