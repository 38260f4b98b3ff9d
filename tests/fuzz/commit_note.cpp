// Whatever text a commit carries: either it is refused, or it says what could have been written, and writing that
// again, however little room there is, leaves a text that says the same of the beginning.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "common/base/ensure.hpp"
#include "workers/engine/commit_note.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace sluice;
  if (size < 2) return 0;
  const log::Offset watermark = data[0];
  const std::size_t room = data[1];
  const std::string_view text{reinterpret_cast<const char*>(data) + 2, size - 2};

  const auto note = engine::read_note(text, watermark);
  if (!note) return 0;

  log::Offset before = watermark;
  for (const auto& run : note->done) {
    ENSURE(before < run.first && run.first <= run.last, "runs rise above the watermark");
    before = run.last;
  }
  ENSURE(engine::read_note(engine::write_note(*note, watermark, 2 * size + 256), watermark) == note, "nothing is lost");

  auto shortened = *note;
  shortened.done.clear();
  const auto least = engine::write_note(shortened, watermark, 0).size();
  const auto written = engine::write_note(*note, watermark, least + room);
  ENSURE(written.size() <= least + room, "it fits");
  const auto rest = engine::read_note(written, watermark);
  ENSURE(rest.has_value(), "what was cut off is read");
  ENSURE(std::equal(rest->done.begin(), rest->done.end(), note->done.begin(),
                    note->done.begin() + static_cast<std::ptrdiff_t>(rest->done.size())),
         "it is the beginning that is kept");
  shortened.done = rest->done;
  ENSURE(*rest == shortened, "only runs are left out");
  return 0;
}
