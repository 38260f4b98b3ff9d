// The seed of this run. It is printed at the start; `TEST_SEED=n` repeats a run.
#pragma once

#include <cstdint>

namespace sluice {

[[nodiscard]] std::uint64_t test_seed();

// Instrumented programs are several times slower: what plays many seeds plays fewer there.
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
constexpr bool instrumented = true;
#else
constexpr bool instrumented = false;
#endif

}  // namespace sluice
