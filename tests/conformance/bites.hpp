// Whether a suite notices what is broken: it is played once for each way to break a promise, and each must make some
// case fail, the sound one none.
#pragma once

#include <string_view>
#include <vector>

namespace sluice {

struct Breakage {
  std::string_view sentence;
  void (*break_it)();  // from the next world that a case makes
};

// Plays all test cases of this program, sound first, and says what came of it. `sound` names what is tested.
bool suite_bites(std::string_view sound, const std::vector<Breakage>& all);

}  // namespace sluice
