// A worker with 10,000 events in flight and 500 parked conversations (a quarter of both where it is instrumented) is
// stopped, or killed, and another one goes on: what starts again, and that nothing else does.
#pragma once

#include <memory>

#include "tests/storm/scene.hpp"

namespace sluice::storm {

void a_stop_repeats_nothing(std::unique_ptr<Scene> scene);
void a_kill_repeats_only_what_was_not_committed(std::unique_ptr<Scene> scene, bool is_atomic);

}  // namespace sluice::storm
