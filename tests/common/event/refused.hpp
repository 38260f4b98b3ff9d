// What the tests of this folder have in common.
#pragma once

#include <cstddef>
#include <string>

#include "common/base/result.hpp"

namespace sluice::event {

// The sentence of a refusal, for tests that say what must be in it; empty when nothing was refused.
template <class T>
std::string refusal(const Result<T>& result) {
  return result ? std::string{} : result.error().sentence;
}

template <class T>
bool refused_as(const Result<T>& result, Kind kind) {
  return !result && result.error().kind == kind;
}

// Arrays in arrays.
inline std::string nested(std::size_t depth) {
  return std::string(depth, '[') + std::string(depth, ']');
}

}  // namespace sluice::event
