#include "workers/engine/commit_note.hpp"

#include <array>
#include <charconv>

#include <fmt/format.h>

namespace sluice::engine {
namespace {

// Six bits a character, URL-safe; a number is as many characters as it needs, the sixth bit says that another follows.
constexpr std::string_view alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
constexpr std::uint64_t payload_bits = 5;
constexpr std::uint64_t more = 1U << payload_bits;

void append_number(std::string& to, std::uint64_t number) {
  while (number >= more) {
    to += alphabet[(number & (more - 1)) | more];
    number >>= payload_bits;
  }
  to += alphabet[number];
}

std::optional<std::uint64_t> take_number(std::string_view& from) {
  std::uint64_t number = 0;
  for (std::uint64_t shift = 0; !from.empty(); shift += payload_bits) {
    const auto digit = alphabet.find(from.front());
    from.remove_prefix(1);
    constexpr std::uint64_t last_shift = 60;
    if (digit == std::string_view::npos || shift > last_shift) return std::nullopt;
    number |= (digit & (more - 1)) << shift;
    if (digit < more) return number;
  }
  return std::nullopt;
}

template <class Number = std::uint32_t>
std::optional<Number> take_field(std::string_view& from) {
  const auto colon = from.find(':');
  if (colon == std::string_view::npos) return std::nullopt;
  Number number = 0;
  const auto field = from.substr(0, colon);
  const auto [end, error] = std::from_chars(field.data(), field.data() + field.size(), number);
  if (error != std::errc{} || end != field.data() + field.size()) return std::nullopt;
  from.remove_prefix(colon + 1);
  return number;
}

std::optional<std::vector<DoneRun>> take_runs(std::string_view from, log::Offset watermark) {
  std::vector<DoneRun> runs;
  auto at = static_cast<std::uint64_t>(watermark);
  constexpr auto highest = static_cast<std::uint64_t>(std::numeric_limits<log::Offset>::max());
  while (!from.empty()) {
    const auto gap = take_number(from);
    const auto length = gap ? take_number(from) : std::nullopt;
    const bool rises = gap.value_or(0) > 0;
    if (!length || !rises || *gap > highest - at || *length > highest - at - *gap) return std::nullopt;
    const std::uint64_t first = at + *gap;
    runs.push_back({static_cast<log::Offset>(first), static_cast<log::Offset>(first + *length)});
    at = first + *length;
  }
  return runs;
}

constexpr std::string_view version = "S1:";
constexpr std::uint32_t closed = 0, open_without_progress = 1, open_with_progress = 2;

}  // namespace

std::string write_note(const CommitNote& note, log::Offset watermark, std::size_t bytes_max) {
  const std::uint32_t state = !note.open ? closed : note.progress ? open_with_progress : open_without_progress;
  std::string text =
      fmt::format("{}{}:{}:{}:{}:{}:", version, state, note.unclean_ends, note.group, note.alone, note.suspect);
  log::Offset at = watermark;
  std::string run_text;
  for (const auto& run : note.done) {
    run_text.clear();
    append_number(run_text, static_cast<std::uint64_t>(run.first - at));
    append_number(run_text, static_cast<std::uint64_t>(run.last - run.first));
    if (text.size() + run_text.size() > bytes_max) break;
    text += run_text;
    at = run.last;
  }
  return text;
}

std::optional<CommitNote> read_note(std::string_view text, log::Offset watermark) {
  if (!text.starts_with(version) || watermark < 0) return std::nullopt;
  text.remove_prefix(version.size());
  const auto state = take_field(text);
  const auto unclean = state ? take_field(text) : std::nullopt;
  const auto group = unclean ? take_field(text) : std::nullopt;
  const auto alone = group ? take_field(text) : std::nullopt;
  const auto suspect = alone ? take_field<log::Offset>(text) : std::nullopt;
  if (!suspect || *suspect < 0 || *state > open_with_progress) return std::nullopt;
  auto runs = take_runs(text, watermark);
  if (!runs) return std::nullopt;
  return CommitNote{.open = *state != closed,
                    .progress = *state == open_with_progress,
                    .unclean_ends = *unclean,
                    .group = *group,
                    .alone = *alone,
                    .suspect = *suspect,
                    .done = std::move(*runs)};
}

}  // namespace sluice::engine
