#include "common/async/thread.hpp"

#include <array>
#include <string>

#include <doctest/doctest.h>
#include <pthread.h>

namespace sluice {
namespace {

std::string own_name() {
  std::array<char, 16> name{};
  pthread_getname_np(pthread_self(), name.data(), name.size());
  return name.data();
}

TEST_CASE("a thread carries the first fifteen bytes of its name and is joined at its end") {
  std::string name;
  {
    Thread thread{"a name that is too long", [&] { name = own_name(); }};
  }

  CHECK(name == "a name that is ");
}

TEST_CASE("joining twice and joining nothing is fine") {
  Thread nothing;
  bool ran = false;
  Thread thread{"once", [&] { ran = true; }};

  nothing.join();
  thread.join();
  thread.join();

  CHECK(ran);
}

TEST_CASE("assigning over a thread joins it first") {
  bool first = false;
  bool second = false;
  Thread thread{"first", [&] { first = true; }};

  thread = Thread{"second", [&] { second = true; }};
  CHECK(first);
  thread.join();

  CHECK(second);
}

}  // namespace
}  // namespace sluice
