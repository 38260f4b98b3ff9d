#include "common/base/result.hpp"

namespace sluice {

std::string_view name_of(Kind kind) {
  switch (kind) {
    case Kind::invalid:
      return "invalid";
    case Kind::not_found:
      return "not_found";
    case Kind::conflict:
      return "conflict";
    case Kind::overloaded:
      return "overloaded";
    case Kind::unavailable:
      return "unavailable";
    case Kind::maybe_done:
      return "maybe_done";
    case Kind::timed_out:
      return "timed_out";
    case Kind::stale:
      return "stale";
    case Kind::exhausted:
      return "exhausted";
    case Kind::corrupt:
      return "corrupt";
    case Kind::denied:
      return "denied";
    case Kind::stopping:
      return "stopping";
    case Kind::ours:
      return "ours";
  }
  return "ours";
}

bool may_pass(Kind kind) {
  return kind == Kind::overloaded || kind == Kind::unavailable || kind == Kind::timed_out || kind == Kind::exhausted;
}

Failure Failure::while_doing(std::string_view what) && {
  sentence.insert(0, ": ");
  sentence.insert(0, what);
  return std::move(*this);
}

}  // namespace sluice
