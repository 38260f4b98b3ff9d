// What a pool does with a record when it is read: in the order of its partition, before its lane may run the event.
#include "common/async/deadline.hpp"
#include "workers/engine/core.hpp"

namespace sluice::engine {

void EngineCore::proceed(const PairPtr& pair, Queued&& queued) {
  if (!handler.reads_ahead()) {
    enqueue(pair, std::move(queued));
    return;
  }
  pair->reading.push_back(std::move(queued));
  if (!std::exchange(pair->reader_runs, true)) work.start(read_ahead(pair));
}

Task<> EngineCore::read_ahead(PairPtr pair) {
  while (!pair->reading.empty() && pair->admits()) {
    const bool told = co_await tell_reading(pair, pair->reading.front().event);
    if (!told || pair->reading.empty()) break;
    Queued queued = std::move(pair->reading.front());
    pair->reading.pop_front();
    enqueue(pair, std::move(queued));
  }
  pair->reader_runs = false;
}

// What may pass is tried until it has: the partition waits. What never will is logged, and the event has its turn all
// the same; a record must not stop those behind it. False: the pair is no longer ours.
Task<bool> EngineCore::tell_reading(PairPtr pair, event::Event event) {
  for (std::uint32_t failures = 1; pair->admits(); ++failures) {
    auto read = co_await read_once(event);
    if (read) co_return pair->admits();
    const Kind kind = read.error().kind;
    if (!may_pass(kind) && kind != Kind::maybe_done && kind != Kind::conflict && kind != Kind::stopping) {
      parts.logger.error("a record could not be handled when it was read", {{"pool", spec.name},
                                                                            {"event", event.id.text()},
                                                                            {"tenant", event.tenant.text()},
                                                                            {"class", name_of(kind)},
                                                                            {"why", read.error().sentence}});
      co_return pair->admits();
    }
    const bool ours = co_await storage_pause(failures, *pair, read.error());
    if (!ours) co_return false;
  }
  co_return false;
}

Task<Result<void>> EngineCore::read_once(const event::Event& event) {
  const auto who = runner(lane_of(event.key));
  co_await solitude.until_let_in(who);
  const Presence presence{solitude, who};
  std::string thrown;
  try {
    auto read = co_await within(parts.clock, parts.clock.now() + limits.handler_max, handler.when_read(event));
    if (read) co_return std::move(*read);
    co_return fail(Kind::timed_out, "not over at its deadline");
  } catch (const boost::system::system_error& error) {
    if (error.code() == boost::asio::error::operation_aborted) throw;
    thrown = error.what();
  } catch (const std::exception& error) {
    thrown = error.what();
  }
  co_return fail(Kind::ours, "the handler threw: " + scrubbed(thrown));
}

}  // namespace sluice::engine
