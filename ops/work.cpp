#include "ops/work.hpp"

#include <optional>

#include "common/async/clock_real.hpp"
#include "common/async/spawn.hpp"
#include "common/process/data_folder.hpp"
#include "common/process/world.hpp"

namespace sluice::ops {
namespace {

// A command that finds another command at work waits for it; commands are short.
constexpr std::chrono::milliseconds other_command_pause{50};
constexpr std::chrono::seconds other_command_wait_max{30};

Task<Exit> work_on(World& world, const Parsed& parsed, const config::Reading& reading, Clock& clock, Output& output) {
  CommandContext context{reading.settings, world.log(), world.database(), clock, output};
  const Exit code = co_await parsed.work(context);
  co_await world.close();
  co_return code;
}

template <class T>
Task<> keep(std::optional<T>& result, Task<T> task, Loop& loop) {
  auto value = co_await std::move(task);
  result = std::move(value);
  loop.stop();
}

// Runs one task on a loop of its own, to its end.
template <class T>
T run_to_end(Loop& loop, Task<T> task) {
  std::optional<T> result;
  spawn(loop, keep(result, std::move(task), loop), or_die("command"));
  loop.hold();
  loop.run();
  return std::move(*result);
}

Task<Result<FolderLock>> lock_when_free(const DataFolder& folder, Clock& clock) {
  const Instant give_up = clock.now() + other_command_wait_max;
  while (true) {
    auto lock = folder.lock(DataFolder::Holder::command);
    const auto holder = folder.held_by();
    const bool wait = !lock && holder && holder->as == DataFolder::Holder::command && clock.now() < give_up;
    if (!wait) co_return lock;
    co_await clock.sleep_for(other_command_pause);
  }
}

std::string data_dir(const config::Settings& settings) {
  return settings.process.data_dir.empty() ? "data" : settings.process.data_dir;
}

}  // namespace

Exit work(const Parsed& parsed, const std::vector<std::string>& arguments, const config::Reading& reading,
          Output& output) {
  Loop loop;
  RealClock clock{loop};
  SystemRandom random;
  Logger logger{clock, "command", {.level = Level::warn, .format = LineFormat::text}, Logger::to_stderr()};
  const WorldParts parts{loop, clock, random, logger};
  if (reading.settings.world.split()) {
    auto world = open_split_world(reading.settings.world, "", parts);
    if (!world) return refuse(output, world.error());
    return run_to_end(loop, work_on(**world, parsed, reading, clock, output));
  }
  const auto folder = DataFolder::open(data_dir(reading.settings));
  if (!folder) return refuse(output, folder.error());
  const auto holder = folder->held_by();
  if (holder && holder->as == DataFolder::Holder::serving) {
    const auto code = ask_serving_process(folder->socket_file(), arguments, output);
    return code ? static_cast<Exit>(*code) : refuse(output, code.error());
  }
  const auto lock = run_to_end(loop, lock_when_free(*folder, clock));
  if (!lock) return refuse(output, lock.error());
  auto world = open_embedded_world(*folder, parts);
  if (!world) return refuse(output, world.error());
  return run_to_end(loop, work_on(**world, parsed, reading, clock, output));
}

}  // namespace sluice::ops
