#include "common/db/notices.hpp"

#include <thread>
#include <vector>

#include <doctest/doctest.h>

namespace sluice::db {

TEST_CASE("a listener is called on its loop and once for many notices that came meanwhile") {
  Loop loop;
  Notices notices;
  int heard = 0;
  const auto listening = notices.listen(loop, "a", [&] { ++heard; });

  for (int n = 0; n < 100; ++n) notices.tell("a");
  notices.tell("b");
  CHECK(heard == 0);
  loop.run_ready();
  CHECK(heard == 1);

  notices.tell("a");
  loop.run_ready();
  CHECK(heard == 2);
}

TEST_CASE("a notice that comes while a listener is being called is heard again") {
  Loop loop;
  Notices notices;
  int heard = 0;
  const auto listening = notices.listen(loop, "a", [&] {
    if (++heard == 1) notices.tell("a");
  });

  notices.tell("a");
  loop.run_ready();
  loop.run_ready();

  CHECK(heard == 2);
}

TEST_CASE("who has stopped listening is not called although it was told") {
  Loop loop;
  Notices notices;
  int heard = 0;
  auto listening = notices.listen(loop, "a", [&] { ++heard; });
  notices.tell("a");

  listening.reset();
  loop.run_ready();
  notices.tell("a");
  loop.run_ready();

  CHECK(heard == 0);
}

TEST_CASE("a listener may stop listening while it is called") {
  Loop loop;
  Notices notices;
  int heard = 0;
  std::unique_ptr<Listening> listening;
  listening = notices.listen(loop, "a", [&] {
    ++heard;
    listening.reset();
  });

  notices.tell_all();
  loop.run_ready();
  notices.tell_all();
  loop.run_ready();

  CHECK(heard == 1);
}

TEST_CASE("listening may outlive the notices") {
  Loop loop;
  auto notices = std::make_unique<Notices>();
  auto listening = notices->listen(loop, "a", [] {});

  notices.reset();
  listening.reset();

  CHECK(loop.run_ready() == 0);
}

TEST_CASE("many threads tell while listeners come and go") {
  Loop loop;
  Notices notices;
  int heard = 0;
  const auto staying = notices.listen(loop, "a", [&] { ++heard; });
  std::vector<std::thread> telling;
  for (int thread = 0; thread < 3; ++thread) {
    telling.emplace_back([&] {
      for (int n = 0; n < 1000; ++n) notices.tell("a");
    });
  }

  for (int n = 0; n < 300; ++n) {
    const auto passing = notices.listen(loop, "a", [&] { ++heard; });
    loop.run_ready();
  }
  for (auto& thread : telling) thread.join();
  loop.run_ready();

  CHECK(heard > 0);
}

}  // namespace sluice::db
