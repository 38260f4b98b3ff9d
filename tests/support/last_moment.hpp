// A program of tests that hangs is killed by ctest, which can't say where it stood. A moment before that it says so
// itself: the case, since when, and what each thread waits for (/proc/self/task/*/syscall).
#pragma once

namespace sluice {

// Asked for by TEST_SECONDS_MAX in the environment, which ctest sets; without it nothing happens.
void speak_in_the_last_moment();

}  // namespace sluice
