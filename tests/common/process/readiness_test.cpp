#include "common/process/readiness.hpp"

#include <doctest/doctest.h>
#include <httplib.h>
#include <boost/json.hpp>

#include "common/async/scope.hpp"
#include "common/process/private_listener.hpp"
#include "tests/support/world.hpp"

using namespace sluice;

TEST_CASE("a process is ready when every part is fit and it does not drain") {
  SimulatedWorld world;
  Readiness readiness{world.clock};
  CHECK_FALSE(readiness.ready());

  readiness.part("log", true);
  readiness.part("database", false, "not reached");
  CHECK_FALSE(readiness.ready());
  readiness.part("database", true);
  CHECK(readiness.ready());

  readiness.drain();
  CHECK_FALSE(readiness.ready());
  CHECK(readiness.alive());
}

TEST_CASE("a loop that has not turned for five seconds is not alive") {
  SimulatedWorld world;
  Readiness readiness{world.clock};
  readiness.part("log", true);

  world.clock.run_for(std::chrono::seconds{5});
  CHECK(readiness.ready());
  world.clock.run_for(std::chrono::milliseconds{1});
  CHECK_FALSE(readiness.alive());
  CHECK_FALSE(readiness.ready());

  readiness.turned();
  CHECK(readiness.ready());
}

TEST_CASE("a turning loop stays alive") {
  SimulatedWorld world;
  Readiness readiness{world.clock};
  Scope scope{world.loop};
  scope.start(keep_turning(readiness, world.clock));

  world.clock.run_for(std::chrono::minutes{10});

  CHECK(readiness.alive());
  scope.cancel();
  world.run(scope.join());
}

TEST_CASE("the parts are JSON whatever their details hold") {
  SimulatedWorld world;
  Readiness readiness{world.clock};
  readiness.part("disk", false, "\"full\"\n");

  const auto parsed = boost::json::parse(readiness.parts());

  CHECK(parsed.at("ready").as_bool() == false);
  CHECK(parsed.at("parts").at("disk").at("ok").as_bool() == false);
  CHECK(parsed.at("parts").at("disk").at("detail").as_string() == "\"full\"\n");
}

TEST_CASE("the private listener answers health and metrics and nothing else") {
  SimulatedWorld world;
  Readiness readiness{world.clock};
  Metrics metrics;
  const auto listener = PrivateListener::listen("127.0.0.1", 0, readiness, metrics);
  REQUIRE(listener);
  httplib::Client client{"127.0.0.1", (*listener)->port()};

  CHECK(client.Get("/livez")->status == 200);
  CHECK(client.Get("/readyz")->status == 503);
  readiness.part("log", true);
  for (const char* path : {"/readyz", "/health", "/api/health"}) CHECK(client.Get(path)->status == 200);
  CHECK(client.Get("/metrics")->body.find("sluice_build_info") != std::string::npos);
  CHECK(client.Get("/nothing")->status == 404);
  CHECK(client.Post("/readyz", "", "text/plain")->status == 404);

  const auto second = PrivateListener::listen("127.0.0.1", (*listener)->port(), readiness, metrics);
  REQUIRE_FALSE(second);
  CHECK(second.error().sentence.starts_with("SLUICE_PRIVATE_PORT: cannot listen on 127.0.0.1:"));
}

TEST_CASE("a private listener that ends at once ends") {
  SimulatedWorld world;
  Readiness readiness{world.clock};
  Metrics metrics;
  for (int round = 0; round < 100; ++round) CHECK(PrivateListener::listen("127.0.0.1", 0, readiness, metrics));
}
