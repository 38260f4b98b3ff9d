// What stands in a commit's metadata: which offsets above the watermark are done, and how the partition's owners ended.
// Printable ASCII with a version, so that a foreign or later text is recognised and left alone.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/log/record.hpp"
#include "workers/engine/tracker.hpp"

namespace sluice::engine {

struct CommitNote {
  bool open = false;               // events ran, and their owner has not let go of the partition: it may have died
  bool progress = false;           // while open: the watermark moved, or one of the group did no harm
  std::uint32_t unclean_ends = 0;  // owners that died one after the other without any progress
  std::uint32_t group = 0;         // 0: everything is admitted; else so many at a time, to find what kills the process
  std::uint32_t alone = 0;         // deaths in a row with one event alone,
  log::Offset suspect = 0;         // this one; of a larger group the first
  std::vector<DoneRun> done = {};  // rising, above the watermark

  bool operator==(const CommitNote&) const = default;
};

// "S1:<state>:<unclean>:<group>:<alone>:<suspect>:<runs>". When the runs do not fit into `bytes_max`, the longest
// prefix of them that does: what is left out is done again after a restart.
std::string write_note(const CommitNote& note, log::Offset watermark, std::size_t bytes_max);

// None for a text that is foreign, damaged or of a later version; then only the watermark counts.
std::optional<CommitNote> read_note(std::string_view text, log::Offset watermark);

}  // namespace sluice::engine
