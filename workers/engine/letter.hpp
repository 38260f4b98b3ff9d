// A dead letter: the record as it was, byte for byte, and beside it what an operator needs to understand it.
#pragma once

#include <string>
#include <string_view>

#include "common/base/result.hpp"
#include "common/event/event.hpp"
#include "common/log/record.hpp"

namespace sluice::engine {

// The class and the code of an event that killed its process each time it was alone.
constexpr std::string_view crash_suspect = "crash-suspect";

struct Letter {
  std::string_view pool;
  std::string_view owner;  // the process that gave up
  log::Partition from;
  const event::Event* event = nullptr;  // none when it could not be read
  Failure why;
  std::string_view code;
  std::uint32_t tries = 0;
  WallTime now{};
  std::string_view error_class = {};  // empty: the name of why's kind
};

// The id is made of the event's (of the record's place when there is none), so that burying it twice makes one letter.
std::string letter_id(const Letter& facts, log::Offset offset);

// The letter's own record: its key is "<id>/letter/0", its partition that of the id. Original headers come first and
// untouched; ours name the class, code, sentence, fingerprint, tries, times, worker, origin and the original key.
log::Outgoing dead_letter(const std::string& topic, std::int32_t partitions, const log::Record& record,
                          const Letter& facts);

// The same mistake in many events has one fingerprint: numbers, ids and quoted texts in its sentence do not count.
std::string fingerprint_of(std::string_view pool, std::string_view error_class, std::string_view code,
                           std::string_view sentence);

}  // namespace sluice::engine
