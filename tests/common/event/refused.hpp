// The sentence of a refusal, for tests that say what must be in it; empty when nothing was refused.
#pragma once

#include <string>

#include "common/base/result.hpp"

namespace sluice::event {

template <class T>
std::string refusal(const Result<T>& result) {
  return result ? std::string{} : result.error().sentence;
}

template <class T>
bool refused_as(const Result<T>& result, Kind kind) {
  return !result && result.error().kind == kind;
}

}  // namespace sluice::event
