#include "tests/simulation/simulation.hpp"

#include <fmt/format.h>

#include "common/async/deadline.hpp"

namespace sluice::simulation {
namespace {

using namespace std::chrono_literals;

log::SimulatedOptions options_of(const Plan& plan) {
  log::SimulatedOptions options{.group = {.eager = plan.eager_group}};
  return options;
}

}  // namespace

Simulation::Simulation(std::uint64_t seed, bool with_history)
    : plan_(seed),
      world_(seed),
      broker_(world_.loop, world_.clock, world_.random, options_of(plan_)),
      logger_(world_.clock, "sim", {.level = Level::error}, {}),
      truth_(world_, plan_, broker_, store_),
      outside_(world_, plan_) {
  if (plan_.atomic) {
    broker_.options().apply = [this](const db::Batch& changes) -> Done {
      auto rows = store_.run_now(changes);
      if (!rows) return fail(std::move(rows).error());
      return {};
    };
  }
  outside_.when_accepted = [this](int event) { truth_.was_accepted(event); };
  if (with_history) broker_.network().on_step = [this](const std::string& line) { history_ += line + '\n'; };
  for (const auto& topic :
       {truth_.topics.main, truth_.topics.retry, truth_.topics.dead, event::main_topic_of("sluice", "send")}) {
    const auto created = broker_.store().create({.name = topic, .partitions = plan_.partitions});
    ENSURE(created.has_value(), "a topic can be made");
  }
  truth_.topics_are_made();
  writer_ = broker_.open("writer");
}

Simulation::~Simulation() {
  for (Scope* scope : {&trouble_, &writers_, &keepers_}) {
    scope->cancel();
    world_.run(scope->join());
  }
  for (const auto& process : processes_) {
    if (process->log) die(*process, log::AfterCrash::silent);
    process->scope.cancel();
    world_.run(process->scope.join());
  }
  world_.run(outside_.close());
}

namespace {
Task<> and_say_so(Task<> task, bool& ended) {
  co_await std::move(task);
  ended = true;
}
}  // namespace

void Simulation::run() {
  Scope whole{world_.loop};
  bool over = false;
  whole.start(and_say_so(story(), over));
  world_.clock.steps_max = 20'000'000;
  world_.clock.run_until(
      [&] {
        step();
        return over || what_broke().has_value();
      },
      std::chrono::hours{48});
  if (!over) truth_.broken("a seed comes to an end: this one does not");
  whole.cancel();
  world_.run(whole.join());
  if (!what_broke()) check();
}

// Between any two things that happen in the world.
void Simulation::step() {
  ++steps_;
  for (const auto& process : processes_) {
    const bool planned = process->dies_at != 0 && steps_ >= process->dies_at && disturbed_;
    const bool killed = process->killed_at && steps_ >= *process->killed_at;
    if (process->running && (planned || killed)) {
      process->dies_at = 0;
      process->killed_at.reset();
      figures_.killed += killed ? 1 : 0;
      die(*process, world_.random.one_in(2) ? log::AfterCrash::silent : log::AfterCrash::failing);
    }
  }
}

Task<> Simulation::story() {
  broker_.network().faults.set(plan_.log_faults);
  broker_.disturb();
  for (int i = 0; i < plan_.processes; ++i) {
    processes_.push_back(std::make_unique<Process>(world_.loop));
    Process& process = *processes_.back();
    process.name = fmt::format("process-{}", i);
    keepers_.start(keep(process));
    if (plan_.crash_every > Duration{}) trouble_.start(crash_now_and_then(process));
    if (plan_.stop_every > Duration{}) trouble_.start(stop_now_and_then(process));
  }
  if (plan_.wall_jump_every > Duration{}) trouble_.start(jump_now_and_then());
  if (plan_.cut_every > Duration{}) trouble_.start(cut_now_and_then());
  if (plan_.break_every > Duration{}) trouble_.start(break_now_and_then());
  if (plan_.wake_every > Duration{}) trouble_.start(wake_now_and_then());
  if (plan_.followers == engine::Followers::hold) trouble_.start(release_now_and_then());
  for (int i = 0; i < plan_.conversations; ++i) writers_.start(write(i));

  co_await world_.clock.sleep_for(Plan::disturbed_time);
  disturbed_ = false;
  trouble_.cancel();
  co_await trouble_.join();
  broker_.heal();
  outside_.heal();
  for (const auto& process : processes_) {
    if (!process->database) continue;
    process->database->set_faults({});
    process->database->mend();
  }
  co_await writers_.join();
  const bool converged = co_await until_converged();
  if (!converged) truth_.broken("everything converges when faults stop: this did not");
  if (converged) co_await nothing_stays_counted();
  ends_ = true;
  for (const auto& process : processes_) {
    process->stops = true;
    process->changed.notify_all();
  }
  co_await keepers_.join();
  co_await outside_.close();
}

Task<> Simulation::keep(Process& process) {
  while (!what_broke() && !ends_) {
    start(process);
    while (!process.dead && !process.stops && process.running) co_await process.changed.wait();
    if (!process.dead && !process.stops) {
      truth_.broken("an engine works until it is stopped: one returned by itself");
      die(process, log::AfterCrash::silent);
    }
    if (!process.dead) co_await end_stopped(process);
    if (process.dead) co_await end_dead(process);
    if (ends_) co_return;
    co_await world_.clock.sleep_for(world_.random.between(10ms, disturbed_ && process.dead ? 8s : 1s));
  }
}

void Simulation::start(Process& process) {
  static_assert(std::is_same_v<decltype(process.incarnation), int>);
  process.dead = process.stops = process.closed = false;
  process.killed_at.reset();
  ++process.incarnation;
  const std::string name = fmt::format("{}.{}", process.name, process.incarnation);
  const auto number = processes_.size() * static_cast<std::size_t>(process.incarnation);
  process.access = std::make_shared<Access>();
  process.log = broker_.open(name);
  process.watched = std::make_unique<WatchedLog>(*process.log, truth_);
  process.database = std::make_unique<db::SimulatedDatabase>(
      store_, world_.loop, world_.clock, world_.random, disturbed_ ? plan_.database_faults : db::SimulatedFaults{});
  process.dependencies =
      std::make_unique<engine::Dependencies>(world_.clock, world_.random, SimulatedPool::dependencies());
  process.pool =
      std::make_unique<SimulatedPool>(world_, truth_, outside_, process.access, *process.database,
                                      static_cast<int>(number), [this, &process] { process.killed_at = steps_ + 1; });
  process.engine = std::make_unique<engine::Engine>(
      engine::PoolSpec{.name = pool_name, .followers = plan_.followers, .partitions = plan_.partitions}, *process.pool,
      engine::EngineParts{.loop = world_.loop,
                          .clock = world_.clock,
                          .random = world_.random,
                          .log = *process.watched,
                          .database = *process.database,
                          .logger = logger_,
                          .dependencies = process.dependencies.get(),
                          .owner = name},
      plan_.limits);
  process.running = true;
  process.scope.start(run_engine(process));
}

Task<> Simulation::run_engine(Process& process) {
  try {
    co_await process.engine->run();
  } catch (const boost::system::system_error&) {
    if (!process.dead) truth_.broken("an engine ends only when it is stopped: one was cancelled");
  } catch (const std::exception& error) {
    truth_.broken(fmt::format("an engine ends only when it is stopped: one threw {}", error.what()));
  }
  process.running = false;
  process.changed.notify_all();
}

// First nothing of it reaches anything any more; its frames are destroyed afterwards.
void Simulation::die(Process& process, log::AfterCrash after) {
  if (process.dead) return;
  process.dead = true;
  process.log->crash(after);
  process.database->crash();
  process.access->alive = false;
  ++figures_.crashes;
  process.changed.notify_all();
}

void Simulation::Process::remove_parts() {
  engine.reset();
  pool.reset();
  dependencies.reset();
  watched.reset();
  log.reset();
  database.reset();
}

Task<> Simulation::end_dead(Process& process) {
  process.scope.cancel();
  co_await process.scope.join();
  remove(process);
}

void Simulation::remove(Process& process) {
  figures_.trips += process.engine->figures().breakers_tripped;
  process.remove_parts();
}

// It may die of it.
Task<> Simulation::close(Process& process) {
  co_await process.log->close();
  co_await process.database->close();
  process.closed = true;
  process.changed.notify_all();
}

// As SIGTERM does it.
Task<> Simulation::end_stopped(Process& process) {
  constexpr std::chrono::minutes stop_max{10};  // while the log is away or the process stands still
  truth_.note(fmt::format("{} stops", process.name));
  ++figures_.stops;
  process.engine->stop();
  const Instant until = world_.clock.now() + stop_max;
  while (process.running && !process.dead && world_.clock.now() < until) [[maybe_unused]]
    const bool changed = co_await within(world_.clock, until, process.changed.wait());
  if (process.dead) co_return;
  if (process.running) {
    truth_.broken("a stop comes to an end: one did not within ten minutes");
    die(process, log::AfterCrash::silent);
    co_return;
  }
  process.scope.cancel();  // what an operator asked of it may be under way
  co_await process.scope.join();
  process.scope.start(close(process));
  while (!process.closed && !process.dead) co_await process.changed.wait();
  if (process.dead) co_return;
  co_await process.scope.join();
  remove(process);
}

}  // namespace sluice::simulation
