// How a command or process ends: an enumeration with a sentence each, documented in ops/README.md.
#pragma once

#include <array>
#include <string_view>

#include "common/base/result.hpp"

namespace sluice::ops {

enum class Exit : int {
  fine = 0,
  failed = 1,          // a check said no: what it found is on stdout
  usage = 64,          // the command line is wrong
  invalid = 65,        // what was given to work on is wrong
  not_found = 66,      // what was asked for is not there
  unavailable = 69,    // Kafka, the database or the serving process cannot be reached
  internal = 70,       // a mistake of ours
  disk = 74,           // the disk is full, read-only, failing, or the file on it is damaged
  conflict = 75,       // somebody else is doing it or has it
  denied = 77,         // rights or credentials
  configuration = 78,  // a setting is wrong, missing, unknown or contradicts another
};

struct ExitSentence {
  Exit code;
  std::string_view sentence;
};
constexpr std::array<ExitSentence, 11> exit_sentences{{
    {Exit::fine, "done, or drained after SIGTERM"},
    {Exit::failed, "a check said no; what it found is on stdout"},
    {Exit::usage, "the command line is wrong; the line names the right one"},
    {Exit::invalid, "what was given to work on is wrong"},
    {Exit::not_found, "what was asked for is not there"},
    {Exit::unavailable, "Kafka, the database or the serving process cannot be reached; try again later"},
    {Exit::internal, "a mistake of ours; please report the line"},
    {Exit::disk, "the disk is full, read-only or failing, or the file on it is damaged"},
    {Exit::conflict, "somebody else holds it or was first"},
    {Exit::denied, "rights or credentials do not suffice"},
    {Exit::configuration, "settings are wrong, missing, unknown or contradict each other; each is named"},
}};

constexpr Exit exit_of(Kind kind) {
  switch (kind) {
    case Kind::invalid:
      return Exit::invalid;
    case Kind::not_found:
      return Exit::not_found;
    case Kind::conflict:
    case Kind::stale:
      return Exit::conflict;
    case Kind::overloaded:
    case Kind::unavailable:
    case Kind::maybe_done:
    case Kind::timed_out:
    case Kind::stopping:
      return Exit::unavailable;
    case Kind::exhausted:
    case Kind::corrupt:
      return Exit::disk;
    case Kind::denied:
      return Exit::denied;
    case Kind::ours:
      return Exit::internal;
  }
  return Exit::internal;
}

}  // namespace sluice::ops
