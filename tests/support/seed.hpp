// The seed of this run. It is printed at the start; `TEST_SEED=n` repeats a run.
#pragma once

#include <cstdint>

namespace sluice {
[[nodiscard]] std::uint64_t test_seed();
}
