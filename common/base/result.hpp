// Errors of the world as values: what went wrong, in a kind that decides what happens next and a sentence for a person.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include <tl/expected.hpp>

namespace sluice {

// The adapter that saw the evidence picks the kind, once. Nobody downstream re-reads a status code.
enum class Kind : std::uint8_t {
  invalid,      // what was given can never be accepted as it is
  not_found,    // a name that is not there: topic, row, offset
  conflict,     // an expectation was not met or somebody else was first
  overloaded,   // a bound is reached: nothing was done, come again later
  unavailable,  // the other side cannot be reached: nothing was done
  maybe_done,   // it may have been done: never repeat it blindly
  timed_out,    // a deadline passed before anything left this process
  stale,        // an epoch or owner that is no longer current: nothing was done
  exhausted,    // the disk is full, read-only or failing: nothing was done
  corrupt,      // bytes that fail their checksum or cannot be decoded
  denied,       // credentials or rights
  stopping,     // this process is shutting down: nothing was done
  ours,         // a mistake of ours that the other side proved (bad SQL, bad request)
};

std::string_view name_of(Kind kind);

// True when a later attempt of the same thing may succeed and the first one certainly had no effect.
bool may_pass(Kind kind);

struct Failure {
  Kind kind = Kind::ours;
  std::string sentence;  // for a person; no secrets, numbers or texts of customers
  std::optional<std::chrono::milliseconds> wait = std::nullopt;  // what the other side asked for

  // Adds what was being done when it failed: "opening the log: disk full".
  [[nodiscard]] Failure while_doing(std::string_view what) &&;
};

template <class T>
using Result = tl::expected<T, Failure>;
using Done = Result<void>;

inline tl::unexpected<Failure> fail(Kind kind, std::string sentence) {
  return tl::unexpected<Failure>{Failure{kind, std::move(sentence)}};
}
inline tl::unexpected<Failure> fail(Failure failure) {
  return tl::unexpected<Failure>{std::move(failure)};
}

}  // namespace sluice
