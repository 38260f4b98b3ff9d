// The headers of an event's record: CloudEvents 1.0 in binary mode, W3C's trace and our own. Each of ours is written
// once and replaces what was there; of a repeated one the last counts. All others are foreign: they travel untouched,
// with repeated names, their order and absent values.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/header.hpp"
#include "common/base/result.hpp"
#include "common/event/conversation.hpp"
#include "common/event/ids.hpp"
#include "common/event/kind.hpp"
#include "common/event/tenant.hpp"
#include "common/event/time_text.hpp"
#include "common/event/trace_parent.hpp"

namespace sluice::event {

// Where the event was first appended. It stays the same through retry, dead letter and replay.
struct Origin {
  std::string topic;
  std::int32_t partition = 0;
  std::int64_t offset = 0;
  Time timestamp{};

  bool operator==(const Origin&) const = default;
};

// Why the last attempt failed. An empty text is no header. Texts are valid UTF-8; longer ones are cut, bad ones
// cleaned.
struct Trouble {
  static constexpr std::size_t message_bytes_max = 1000;
  static constexpr std::size_t word_bytes_max = 200;

  std::string error_class = {};
  std::string code = {};
  std::string message = {};
  std::string fingerprint = {};

  bool operator==(const Trouble&) const = default;
};

// What happened to an event on its way, as opposed to what it says.
struct Journey {
  std::uint32_t attempt = 0;  // tries that have failed
  std::uint32_t hops = 0;     // events from the root to this one; a root has none
  std::optional<Time> not_before = {};
  std::optional<Origin> origin = {};
  Trouble trouble = {};
  std::string replay = {};  // the operator's operation that brought it back; empty when none did

  bool operator==(const Journey&) const = default;
};

struct EventHeaders {
  EventId id;
  EventKind kind;
  Tenant tenant;
  Time time;
  std::string source;  // "/twilio/AC…" of a root event, "/pools/classify" of a child
  std::optional<TraceParent> trace = {};
  Journey journey = {};
  Headers foreign = {};

  bool operator==(const EventHeaders&) const = default;
};

std::vector<HeaderView> views_of(const Headers& headers);  // into the same bytes

[[nodiscard]] bool is_ours(std::string_view header_name);

// `ce_subject` is the key of the conversation; there is none before dedup has found it. Kind::invalid when source,
// origin or replay could not be read back. A trace that isn't one is not written.
Result<Headers> encode_headers(const EventHeaders& headers, const ConversationKey* subject);

struct DecodedHeaders {
  EventHeaders headers;
  std::optional<ConversationKey> subject;
};

// Kind::corrupt; the sentence names the header. A trace that the recommendation says to ignore is no failure.
Result<DecodedHeaders> decode_headers(std::span<const HeaderView> headers);

}  // namespace sluice::event
