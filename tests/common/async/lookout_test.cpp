#include "common/async/lookout.hpp"

#include <doctest/doctest.h>
#include <boost/asio/io_context.hpp>

#include "common/async/inbox.hpp"

namespace sluice {
namespace {

using namespace std::chrono_literals;

// A clock that goes on by ten microseconds with every look at it.
Lookout::Moment reading;
Lookout::Moment next_reading() {
  reading += 10us;
  return reading;
}

struct Scene {
  explicit Scene(unsigned cores = 2) : lookout(context, inbox, cores, next_reading) {}

  // How many handlers ran until nothing was left.
  std::size_t run() {
    const auto ran = context.run();
    context.restart();
    return ran;
  }
  bool begins() {
    lookout.begin();
    return lookout.looks();
  }

  boost::asio::io_context context;
  Inbox inbox{context};
  Lookout lookout;
};

TEST_CASE("it looks until the inbox is drained, and again at once when it is asked to") {
  Scene scene;
  int ran = 0;

  REQUIRE(scene.begins());
  CHECK(scene.context.run_one() == 1);
  CHECK(scene.lookout.looks());
  scene.inbox.put([&] { ++ran; });
  CHECK(scene.run() == 3);  // a look that finds nothing yet, what was put, and a look that finds it

  CHECK(ran == 1);
  CHECK_FALSE(scene.lookout.looks());
  CHECK(scene.begins());
}

TEST_CASE("it looks for no longer than its moment, from when it was asked last") {
  Scene scene;
  constexpr auto looks_max = Lookout::awake_max / 10us;

  REQUIRE(scene.begins());
  for (int look = 0; look < 20; ++look) scene.context.run_one();
  scene.lookout.begin();
  CHECK(scene.run() == looks_max);

  CHECK_FALSE(scene.lookout.looks());
}

TEST_CASE("when nothing came it rests, twice as long each time, and not at all once something came") {
  Scene scene;
  auto rest = Lookout::awake_max;
  for (int round = 0; round < 10; ++round) {
    REQUIRE(scene.begins());
    scene.run();
    const auto until = reading + rest;
    reading = until - 20us;
    CHECK_FALSE(scene.begins());
    reading = until;
    rest = std::min(2 * rest, Lookout::rest_max);
  }

  REQUIRE(scene.begins());
  scene.inbox.put([] {});
  scene.run();

  REQUIRE(scene.begins());
  scene.run();
  reading += Lookout::awake_max;
  CHECK(scene.begins());
}

TEST_CASE("with a single core it never looks") {
  Scene scene{1};

  CHECK_FALSE(scene.begins());
  CHECK(scene.run() == 0);
}

}  // namespace
}  // namespace sluice
