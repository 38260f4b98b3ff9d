#include "common/async/inbox.hpp"

#include <vector>

#include <doctest/doctest.h>
#include <boost/asio/io_context.hpp>

#include "tests/support/death.hpp"

namespace sluice {
namespace {

TEST_CASE("thousands of calls cost one wake-up") {
  boost::asio::io_context context;
  Inbox inbox{context};
  int ran = 0;
  for (int i = 0; i < 5'000; ++i) inbox.put([&] { ++ran; });

  const auto handlers = context.run();

  CHECK(ran == 5'000);
  CHECK(handlers == 1);
}

TEST_CASE("what is put while the inbox drains comes with the next wake-up") {
  boost::asio::io_context context;
  Inbox inbox{context};
  std::vector<int> ran;
  inbox.put([&] {
    inbox.put([&] { ran.push_back(2); });
    inbox.put([&] { ran.push_back(3); });
  });
  inbox.put([&] { ran.push_back(1); });

  CHECK(context.run_one() == 1);
  CHECK(ran == std::vector<int>{1});
  CHECK(context.run() == 1);
  CHECK(ran == std::vector<int>{1, 2, 3});
}

TEST_CASE("queued work keeps the context running and an empty inbox does not") {
  boost::asio::io_context context;
  Inbox inbox{context};
  int ran = 0;

  CHECK(context.run() == 0);
  context.restart();
  inbox.put([&] { ++ran; });
  context.run();
  CHECK(ran == 1);
  CHECK(context.stopped());
}

TEST_CASE("work that throws ends the process") {
  CHECK(last_words([] {
    boost::asio::io_context context;
    Inbox inbox{context};
    inbox.put([] { throw 1; });
    context.run();
  }));
}

}  // namespace
}  // namespace sluice
