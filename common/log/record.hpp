// What goes into a log and what comes out of it.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "common/async/clock.hpp"
#include "common/base/header.hpp"

namespace sluice::log {

using Offset = std::int64_t;

struct Partition {
  std::string topic;
  std::int32_t number = 0;

  auto operator<=>(const Partition&) const = default;
};

// A record on its way in. The partition is always explicit: the one partitioner of the project is in common/event.
struct Outgoing {
  std::string topic;
  std::int32_t partition = 0;
  std::optional<std::string> key;
  std::optional<std::string> value;  // none is a tombstone
  Headers headers = {};
  std::optional<WallTime> timestamp = {};  // none: the log's clock at the append
};

using sluice::HeaderView;

// A record on its way out: immutable, one block of memory that it owns, cheap to move.
class Record {
 public:
  struct Parts {
    Offset offset = 0;
    WallTime timestamp{};
    std::optional<std::string_view> key;
    std::optional<std::string_view> value;
    std::span<const HeaderView> headers;
    std::string_view damage;       // why it is poison: "checksum", "headers"; empty when sound
    std::string_view raw_headers;  // the stored bytes of headers that could not be decoded
  };
  explicit Record(const Parts& parts);  // copies all of it

  [[nodiscard]] Offset offset() const { return offset_; }
  [[nodiscard]] WallTime timestamp() const { return timestamp_; }
  [[nodiscard]] std::optional<std::string_view> key() const;
  [[nodiscard]] std::optional<std::string_view> value() const;
  [[nodiscard]] std::span<const HeaderView> headers() const;
  [[nodiscard]] std::optional<std::string_view> header(std::string_view name) const;  // the last of that name

  // A row that fails its checksum is poison: delivered with its raw bytes, never dropped and never stopping the rest.
  [[nodiscard]] bool is_poison() const { return !damage().empty(); }
  [[nodiscard]] std::string_view damage() const;
  [[nodiscard]] std::string_view raw_headers() const;

  [[nodiscard]] std::size_t bytes() const { return block_bytes_; }  // what it costs in memory

 private:
  struct Layout;
  [[nodiscard]] const Layout& layout() const;

  Offset offset_ = 0;
  WallTime timestamp_{};
  std::unique_ptr<std::byte[]> block_;
  std::size_t block_bytes_ = 0;
};

// Over key, value and headers, with lengths and absences, in this order; the same in every implementation.
std::uint32_t checksum(std::optional<std::string_view> key, std::optional<std::string_view> value,
                       std::span<const HeaderView> headers);
std::uint32_t checksum(const Outgoing& record);

}  // namespace sluice::log
