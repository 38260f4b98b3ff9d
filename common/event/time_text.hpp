// Instants as the headers write them: RFC 3339 in UTC with milliseconds, "2026-11-20T21:30:00.123Z".
#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include "common/base/result.hpp"

namespace sluice::event {

using Time = std::chrono::sys_time<std::chrono::milliseconds>;

std::string time_text(Time time);  // what lies outside the years 0 to 9999 becomes the nearest instant inside

// Fractions of 0 to 9 digits are understood, what is finer than a millisecond is dropped; only "Z" is a zone.
Result<Time> parse_time(std::string_view text);  // Kind::invalid

}  // namespace sluice::event
