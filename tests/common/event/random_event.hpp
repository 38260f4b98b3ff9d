// Events as the world might make them: text of every plane, members and headers nobody knows, numbers no type holds.
#pragma once

#include "common/async/random.hpp"
#include "common/event/event.hpp"

namespace sluice::event {

std::string random_text(Random& random, std::size_t characters_max);
Json random_object(Random& random, int depth_left);
Event random_event(Random& random);

}  // namespace sluice::event
