// Who listens hears what any process notifies, also after the connection was lost.
#include <thread>

#include <doctest/doctest.h>

#include "tests/common/db/postgres_support.hpp"

namespace sluice::db {
namespace {

using namespace std::chrono_literals;

struct ListenWorld : PostgresWorld {
  ListenWorld() : PostgresWorld({.reconnect_pause_min = 1ms}) {}

  void run_until(const std::function<bool()>& seen) {
    const auto deadline = clock.now() + 30s;
    while (!seen()) {
      if (clock.now() > deadline) FAIL("it never became true");
      loop.run_ready();
    }
  }
  // The connection is there and its LISTEN has taken effect.
  void wait_for_first_call(const int& calls) {
    run_until([&] { return calls > 0; });
  }
  void terminate_listener() {
    admin.ask(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = current_schema AND query LIKE "
        "'LISTEN%'");
  }
};

TEST_CASE("a listener is called once when it is heard and after each notice") {
  ListenWorld world;
  int calls = 0;
  const auto listening = world.db->listen("events", [&] { ++calls; });
  world.wait_for_first_call(calls);

  for (int notice = 1; notice <= 5; ++notice) {
    const int before = calls;
    REQUIRE(world.run(Batch{.notices = {"events"}}));
    world.run_until([&] { return calls > before; });
  }

  CHECK(calls <= 6);
}

TEST_CASE("a lost listening connection comes back and its listeners are called without a notice") {
  ListenWorld world;
  int calls = 0;
  int others = 0;
  const auto listening = world.db->listen("events", [&] { ++calls; });
  const auto other = world.db->listen("other", [&] { ++others; });
  world.run_until([&] { return calls > 0 && others > 0; });

  for (int time = 0; time < 3; ++time) {
    const int before = calls;
    const int others_before = others;
    world.terminate_listener();
    world.run_until([&] { return calls > before && others > others_before; });
  }

  const int before = calls;
  REQUIRE(world.run(Batch{.notices = {"events"}}));
  world.run_until([&] { return calls > before; });
}

TEST_CASE("any text of 63 bytes can be a channel") {
  ListenWorld world;
  const std::string channel = "a \"quoted\"; DROP TABLE x; -- ä€ " + std::string(28, 'x');
  int calls = 0;
  const auto listening = world.db->listen(channel, [&] { ++calls; });
  world.wait_for_first_call(calls);

  REQUIRE(world.run(Batch{.notices = {channel}}));
  world.run_until([&] { return calls > 1; });

  const auto too_long = world.run(Batch{.notices = {channel + "xxx"}});
  const auto empty = world.run(Batch{.notices = {""}});
  REQUIRE_FALSE(too_long);
  CHECK(too_long.error().kind == Kind::ours);
  REQUIRE_FALSE(empty);
}

TEST_CASE("a batch that is undone gives no notice") {
  ListenWorld world;
  world.admin.ask("CREATE TABLE item (id bigint)");
  int calls = 0;
  const auto listening = world.db->listen("events", [&] { ++calls; });
  world.wait_for_first_call(calls);
  const int before = calls;

  const auto undone = world.run({.statements = {{"DELETE FROM item", {}, Expect::exactly(1)}}, .notices = {"events"}});
  int witness = 0;
  const auto other = world.db->listen("witness", [&] { ++witness; });
  world.wait_for_first_call(witness);

  CHECK_FALSE(undone);
  CHECK(calls == before);
}

TEST_CASE("a listener may stop listening while it is called") {
  ListenWorld world;
  int calls = 0;
  std::unique_ptr<Listening> listening;
  listening = world.db->listen("events", [&] {
    ++calls;
    listening.reset();
  });
  world.wait_for_first_call(calls);

  int witness = 0;
  const auto other = world.db->listen("events", [&] { ++witness; });
  REQUIRE(world.run(Batch{.notices = {"events"}}));
  world.run_until([&] { return witness > 0; });

  CHECK(calls == 1);
}

TEST_CASE("listeners on another loop are called there") {
  ListenWorld world;
  std::atomic<int> calls{0};
  std::thread::id called_on;
  std::atomic<bool> stop{false};

  std::thread other([&] {
    Loop loop;
    loop.post([&] {});
    std::unique_ptr<Listening> listening;
    loop.post([&] {
      listening = world.db->listen("events", [&] {
        called_on = std::this_thread::get_id();
        ++calls;
      });
    });
    while (!stop) loop.run_ready();
    listening.reset();
  });
  const auto its_id = other.get_id();
  world.run_until([&] { return calls > 0; });
  stop = true;
  other.join();

  CHECK((called_on == its_id));
}

TEST_CASE("the listening connection is closed with the database") {
  ListenWorld world;
  int calls = 0;
  const auto listening = world.db->listen("events", [&] { ++calls; });
  world.wait_for_first_call(calls);

  world.run(world.db->close());

  world.admin.wait_until("SELECT count(*) = 0 FROM pg_stat_activity WHERE application_name = current_schema");
}

}  // namespace
}  // namespace sluice::db
