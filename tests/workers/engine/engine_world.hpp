// One pool's engine in simulated time, with a handler that does what the test says and remembers what it saw.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "common/async/scope.hpp"
#include "common/db/simulated_database.hpp"
#include "common/event/partition.hpp"
#include "common/event/pools.hpp"
#include "common/log/simulated_log.hpp"
#include "common/store/migrations.hpp"
#include "common/telemetry/logger.hpp"
#include "tests/support/world.hpp"
#include "workers/engine/dependency.hpp"
#include "workers/engine/engine.hpp"

namespace sluice::engine {

constexpr int test_partitions = 4;

// "a" writes its n-th message.
event::Event message(std::string_view who, int n, std::string_view tenant = "default");
log::Outgoing record_of(const event::Event& event, const std::string& topic);
std::int32_t partition_of(std::string_view who);
std::vector<std::string> people_in(std::int32_t partition, std::size_t count);  // one letter each, never "a"

// What a run looked like: "a1", in the order in which they began.
struct Script final : Handler {
  using Step = std::function<Task<Outcome>(const event::Event&, Attempt&)>;

  Task<Outcome> handle(const event::Event& event, Attempt& attempt) override;

  static std::string name_of(const event::Event& event);  // "a1"
  std::map<std::string, Step> steps;                      // for one message; others are done at once
  Step otherwise;
  std::vector<std::string> began;
  std::vector<std::string> ended;
  std::map<std::string, int> running_of;  // by person: two at a time are a mistake
  bool overlapped = false;
};

Task<Outcome> output_to_send(const event::Event& event, Attempt& attempt);  // one reply that carries the message's name
Task<Outcome> done_after(Clock& clock, Duration pause);

class EngineWorld;
Script::Step slow(EngineWorld& world, Duration pause);
Script::Step failing(int times, const char* sentence = "not now");  // fails so many times, then works

class EngineWorld {
 public:
  explicit EngineWorld(bool atomic = false, EngineLimits limits = {});
  ~EngineWorld();
  EngineWorld(const EngineWorld&) = delete;
  EngineWorld& operator=(const EngineWorld&) = delete;

  void start();  // an engine of a new process
  void stop();   // as SIGTERM
  void crash();  // as SIGKILL: nothing more of it reaches log or tables
  void send(std::string_view who, int n, std::string_view tenant = "default");
  void send_raw(log::Outgoing record);
  void pass(Duration time) { world.clock.run_for(time); }
  void until(const std::function<bool()>& condition, Duration limit = std::chrono::hours{24 * 30});

  [[nodiscard]] log::Offset unfinished(const std::string& topic);  // above the group's committed watermark
  [[nodiscard]] std::vector<log::Record> read(const std::string& topic);

  SimulatedWorld world;
  const event::PoolTopics topics = event::topics_of("sluice", "classify");
  db::SimulatedStore store;
  log::SimulatedBroker broker;
  Logger logger{world.clock, "test", {}, [](std::string_view) {}};
  Script script;
  Handler* handler = nullptr;  // none: the script
  Dependencies* dependencies = nullptr;
  EngineLimits limits;
  PoolSpec spec{.name = "classify", .partitions = test_partitions};  // of the next start
  Logger* told = nullptr;                                            // instead of nobody
  Metrics* metrics = nullptr;

  struct Process {
    std::unique_ptr<log::SimulatedLog> log;
    std::unique_ptr<db::SimulatedDatabase> database;
    std::unique_ptr<Engine> engine;
    std::unique_ptr<Scope> scope;
  };
  std::unique_ptr<Process> process;
  std::unique_ptr<log::SimulatedLog> outside;  // the test's own hands on the log
};

}  // namespace sluice::engine
