// What last_moment_test looks at: a program of tests that never ends.
#include <doctest/doctest.h>
#include <unistd.h>

TEST_CASE("ends at once") {
  CHECK(getpid() > 0);
}

TEST_CASE("waits for ever") {
  while (true) pause();
}
