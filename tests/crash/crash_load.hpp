// What the process that is killed and the one that looks afterwards must agree on.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "common/db/statement.hpp"

namespace sluice::crash {

constexpr std::int32_t partitions = 4;

// The writer numbers the records of each partition of `input` from 0 on and copies each to the same partition of
// `output`: record, row of the table and watermark of group `copy` in one transaction. Group `watch` reads `input` and
// commits by itself. Records of `aging` are old when they are written, and removed all the time.
constexpr std::string_view input = "input";
constexpr std::string_view output = "output";
constexpr std::string_view aging = "aging";
constexpr std::string_view copy_group = "copy";
constexpr std::string_view watch_group = "watch";

constexpr db::Sql copied_table =
    "CREATE TABLE IF NOT EXISTS crash_copied (partition BIGINT NOT NULL, number BIGINT NOT NULL, "
    "PRIMARY KEY (partition, number))";
constexpr db::Sql total_table =
    "CREATE TABLE IF NOT EXISTS crash_total (partition BIGINT PRIMARY KEY, copied BIGINT NOT NULL)";
constexpr db::Sql insert_copied = "INSERT INTO crash_copied (partition, number) VALUES ($1, $2)";
constexpr db::Sql raise_total =
    "INSERT INTO crash_total (partition, copied) VALUES ($1, 1) ON CONFLICT (partition) DO UPDATE SET copied = copied "
    "+ 1";

// What the writer says after each acknowledgement, through its standard output.
struct Said {
  enum class What : std::int32_t {
    ready,     // the load begins
    appended,  // record `number` of the input partition, at `offset`
    copied,    // everything below `offset` of the input partition
    watched,   // the watermark `offset` of the input partition
    aged,      // a record of `aging`, at `offset`
  };
  What what = What::ready;
  std::int32_t partition = 0;
  std::int64_t number = 0;
  std::int64_t offset = 0;
};

// A record's value begins with its number; how long it is depends on the number, a few of them are large.
std::string value_of(std::int64_t number);
std::int64_t number_in(std::string_view value);

}  // namespace sluice::crash
