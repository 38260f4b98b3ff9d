#include "workers/engine/dependency.hpp"

#include <doctest/doctest.h>

#include "common/async/spawn.hpp"
#include "tests/support/world.hpp"
#include "workers/engine/breaker.hpp"
#include "workers/engine/pace.hpp"

using namespace sluice;
using namespace sluice::engine;
using namespace std::chrono_literals;

namespace {

const event::Tenant bakery = event::Tenant::parse("bakery").value();
const event::Tenant florist = event::Tenant::parse("florist").value();

struct Services : SimulatedWorld {
  explicit Services(DependencySettings its_settings = {.name = "twilio"})
      : all(clock, random, {std::move(its_settings)}),
        hears(all.when_changed([this](const Dependencies::Change& change) { changes.push_back(change); })) {}

  Result<Pass> enter(const event::Tenant& tenant = bakery, Duration within = 1s) {
    return run(all.enter("twilio", tenant, clock.now() + within));
  }
  void calls(int times, Verdict verdict, const event::Tenant& tenant = bakery) {
    for (; times > 0; --times) enter(tenant).value().report(verdict, 1ms);
  }

  Dependencies all;
  std::vector<Dependencies::Change> changes;
  std::shared_ptr<void> hears;
};

}  // namespace

TEST_CASE("a breaker opens after enough failures and lets one probe through at a time") {
  SeededRandom random{1};
  Breaker breaker{{.failures_min = 3}};
  Instant now{1h};
  breaker.succeeded(now, false);
  for (int n = 0; n < 2; ++n) breaker.failed(now, false, random);
  CHECK_FALSE(breaker.is_open());
  breaker.failed(now, false, random);
  REQUIRE(breaker.is_open());
  CHECK(breaker.ask(now) == Breaker::Says::no);

  now = breaker.next_probe();
  CHECK(breaker.ask(now) == Breaker::Says::probe);
  CHECK(breaker.ask(now) == Breaker::Says::no);

  SUBCASE("a good probe closes it") {
    breaker.succeeded(now, true);
    CHECK_FALSE(breaker.is_open());
    CHECK(breaker.ask(now) == Breaker::Says::go);
  }
  SUBCASE("a failed probe doubles the pause up to its bound") {
    Duration before{};
    for (int n = 0; n < 12; ++n) {
      breaker.failed(now, true, random);
      const Duration pause = breaker.next_probe() - now;
      CHECK(pause <= 66s);
      if (n < 4) CHECK(pause > before);
      before = pause;
      now = breaker.next_probe();
      REQUIRE(breaker.ask(now) == Breaker::Says::probe);
    }
    CHECK(before >= 60s);
  }
  SUBCASE("a probe without a verdict leaves its place to the next one") {
    breaker.abandoned(true);
    CHECK(breaker.ask(now) == Breaker::Says::probe);
  }
  SUBCASE("calls from before it opened say nothing") {
    breaker.succeeded(now, false);
    breaker.failed(now, false, random);
    CHECK(breaker.is_open());
  }
}

TEST_CASE("few failures among many good calls open nothing and old ones are forgotten") {
  SeededRandom random{1};
  Breaker breaker{{}};
  Instant now{1h};
  for (int n = 0; n < 20; ++n) breaker.succeeded(now, false);
  for (int n = 0; n < 10; ++n) breaker.failed(now, false, random);
  CHECK_FALSE(breaker.is_open());

  now += 11s;
  for (int n = 0; n < 4; ++n) breaker.failed(now, false, random);
  CHECK_FALSE(breaker.is_open());
  breaker.failed(now, false, random);
  CHECK(breaker.is_open());
}

TEST_CASE("a breaker waits for as long as the other side asked") {
  SeededRandom random{1};
  Breaker breaker{{.failures_min = 1}};
  breaker.failed(Instant{1h}, false, random, 30s);

  CHECK(breaker.next_probe() - Instant{1h} >= 30s);
}

TEST_CASE("a dependency is open for the tenant for whom it is sick and for nobody else") {
  Services services;
  services.calls(5, Verdict::sick, bakery);

  CHECK(services.all.openness("twilio", bakery) == Openness::open_for_tenant);
  CHECK(services.all.openness("twilio", florist) == Openness::closed);
  const auto refused = services.enter(bakery);
  REQUIRE_FALSE(refused.has_value());
  CHECK(refused.error().kind == Kind::unavailable);
  CHECK(refused.error().wait.has_value());
  CHECK(services.enter(florist).has_value());
  REQUIRE(services.changes.size() == 1);
  CHECK(services.changes[0].tenant == bakery);
}

TEST_CASE("sick for most tenants is sick for all until one probe succeeds") {
  Services services;
  for (const char* name : {"a", "b", "c"}) services.calls(5, Verdict::sick, event::Tenant::parse(name).value());
  REQUIRE(services.all.openness("twilio", florist) == Openness::open_for_all);
  CHECK_FALSE(services.enter(florist).has_value());

  services.clock.run_for(2s);
  auto probe = services.enter(florist);
  REQUIRE(probe.has_value());
  CHECK_FALSE(services.enter(bakery).has_value());  // one at a time
  probe->report(Verdict::fine, 1ms);

  CHECK(services.all.openness("twilio", florist) == Openness::closed);
  CHECK(services.enter(bakery).has_value());
}

TEST_CASE("refused credentials open at once with a configuration alarm") {
  Services services;
  services.calls(1, Verdict::refused, bakery);

  CHECK(services.all.openness("twilio", bakery) == Openness::open_for_tenant);
  CHECK(services.all.openness("twilio", florist) == Openness::closed);
  REQUIRE_FALSE(services.changes.empty());
  CHECK(services.changes[0].configuration);
  CHECK(services.all.next_probe("twilio", bakery).has_value());
  CHECK_FALSE(services.all.next_probe("twilio", florist).has_value());
}

TEST_CASE("a pass that nobody reports gives its place back and blames nobody") {
  Services services{{.name = "twilio", .concurrency_start = 1, .concurrency_max = 1}};
  for (int n = 0; n < 20; ++n) REQUIRE(services.enter().has_value());

  CHECK(services.all.openness("twilio", bakery) == Openness::closed);
}

TEST_CASE("as many calls as there is room for and an optional dependency is not waited for") {
  Services services{{.name = "twilio", .optional = true, .concurrency_start = 2, .concurrency_max = 2}};
  auto one = services.enter();
  auto two = services.enter();

  const auto three = services.enter();
  REQUIRE_FALSE(three.has_value());
  CHECK(three.error().kind == Kind::overloaded);
  one->report(Verdict::fine, 1ms);
  CHECK(services.enter().has_value());
}

TEST_CASE("a call waits for room and gives up at its deadline") {
  Services services{{.name = "twilio", .concurrency_start = 1, .concurrency_max = 1}};
  auto one = services.enter();

  const auto late = services.enter(bakery, 3s);
  REQUIRE_FALSE(late.has_value());
  CHECK(late.error().kind == Kind::timed_out);
  spawn(
      services.loop,
      [](Clock& clock, Result<Pass>& pass) -> Task<> {
        co_await clock.sleep_for(1s);
        pass->report(Verdict::fine, 1ms);
      }(services.clock, one),
      [](const std::exception_ptr&) {});
  CHECK(services.enter(bakery, 3s).has_value());
}

TEST_CASE("calls come no faster than the rate allows") {
  Services services{{.name = "twilio", .rate_per_second = 10, .burst = 5}};
  const Instant start = services.clock.now();
  for (int n = 0; n < 25; ++n) services.enter(bakery, 10s).value().report(Verdict::fine, 1ms);

  const Duration took = services.clock.now() - start;
  CHECK(took >= 2s - 10ms);
  CHECK(took <= 2s + 100ms);
}

TEST_CASE("the number of calls at the same time falls fast and rises slowly") {
  ConcurrencyLimit limit{16, 20};
  limit.bad();
  CHECK(limit.limit() == 8);
  limit.bad();
  CHECK(limit.limit() == 8);  // one cut for one round of calls
  for (int n = 0; n < 8; ++n) limit.bad();
  CHECK(limit.limit() == 4);
  for (int n = 0; n < 4; ++n) limit.good();
  CHECK(limit.limit() == 5);
  for (int n = 0; n < 1'000; ++n) limit.good();
  CHECK(limit.limit() == 20);
  for (int n = 0; n < 1'000; ++n) limit.bad();
  CHECK(limit.limit() == 1);
}

TEST_CASE("a bucket holds its burst and fills at its rate") {
  TokenBucket bucket{2, 3};
  Instant now{1h};
  for (int n = 0; n < 3; ++n) {
    CHECK(bucket.wait(now) == Duration{});
    bucket.take();
  }
  CHECK(bucket.wait(now) > 499ms);
  CHECK(bucket.wait(now) <= 501ms);
  now += 1h;
  for (int n = 0; n < 3; ++n) {
    CHECK(bucket.wait(now) == Duration{});
    bucket.take();
  }
  CHECK(bucket.wait(now) > Duration{});
  CHECK(TokenBucket{0, 1}.unlimited());
}
