// What may be stored, the same in both databases: text is valid UTF-8 without NUL, a real is a number.
#pragma once

#include <cstddef>
#include <span>
#include <string_view>

#include "common/base/result.hpp"
#include "common/db/statement.hpp"

namespace sluice::db {

// Kind::invalid with the position of the value, never with the value itself.
Done check(std::span<const Value> values);
Done check(const Batch& batch);

bool is_utf8(std::string_view text);

// Roughly what it costs to keep them in a queue.
std::size_t bytes_of(std::span<const Value> values);
std::size_t bytes_of(const Batch& batch);

}  // namespace sluice::db
