// How long what is complete stays untold.
#include <doctest/doctest.h>

#include "common/async/signal.hpp"
#include "tests/workers/engine/engine_world.hpp"

using namespace sluice;
using namespace sluice::engine;
using namespace std::chrono_literals;

namespace {

Task<Outcome> done_after(Signal& go) {
  co_await go.wait();
  co_return Outcome{engine::Done{}};
}

// So many conversations with one event each, which all end now.
void end_together(EngineWorld& world, int conversations) {
  Signal go;
  world.script.otherwise = [&go](const event::Event&, Attempt&) { return done_after(go); };
  world.start();
  for (int n = 0; n < conversations; ++n) world.send("person-" + std::to_string(n), 1);
  const auto count = static_cast<std::size_t>(conversations);
  world.until([&] { return world.script.began.size() == count; });
  go.notify_all();
  world.until([&] { return world.script.ended.size() == count; });
}

}  // namespace

TEST_CASE("what is complete is committed a quarter of a second later") {
  EngineWorld world;
  end_together(world, 10);

  world.pass(200ms);
  CHECK(world.unfinished(world.topics.main) == 10);
  world.pass(100ms);
  CHECK(world.unfinished(world.topics.main) == 0);
}

TEST_CASE("what is complete is committed at once when there is much of it") {
  EngineWorld world;
  end_together(world, 600);

  world.pass(100ms);

  CHECK(world.unfinished(world.topics.main) == 0);
}
