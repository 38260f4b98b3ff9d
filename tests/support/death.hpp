// Whether something ends the process, and with which words: a broken promise is tested like any other.
#pragma once

#include <functional>
#include <optional>
#include <string>

namespace sluice {

// Runs `deed` in a forked process. What it wrote to stderr when it aborted; nothing when it survived.
// The calling process must have no other threads at that moment.
[[nodiscard]] std::optional<std::string> last_words(const std::function<void()>& deed);

[[nodiscard]] bool dies_saying(const std::string& words, const std::function<void()>& deed);

}  // namespace sluice
