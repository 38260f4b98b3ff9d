// The envelope of everything that travels through the log: what a record's key, value and headers mean.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>

#include "common/base/header.hpp"
#include "common/base/result.hpp"
#include "common/event/conversation.hpp"
#include "common/event/headers.hpp"
#include "common/event/ids.hpp"
#include "common/event/json.hpp"

namespace sluice::event {

// Of the value. A higher minor only adds members, which travel on untouched; a higher major is refused.
struct Version {
  std::uint32_t major = 1;
  std::uint32_t minor = 0;

  bool operator==(const Version&) const = default;
};

// Events of `inbound` go by the addresses as received, all others by the conversation that dedup found.
using EventKey = std::variant<InboundKey, ConversationKey>;
const std::string& text_of(const EventKey& key);

struct Event : EventHeaders {
  EventKey key;  // of the event's tenant
  EventId root;  // of the event that began the chain: a root's own id
  std::optional<EventId> parent = {};
  Json data = Json::Object{};  // what this kind of event says; always an object
  Version version = {};
  Json unknown = Json::Object{};  // members of the value, beside data, that this program doesn't know

  bool operator==(const Event&) const = default;
};

// What came from outside.
struct RootFacts {
  Source source;
  std::string account;  // the source's own; see root_id()
  ProviderId provider_id;
  EventKind kind;
  InboundKey key;
  Time time;
  Json data = Json::Object{};
  std::optional<TraceParent> trace = {};
};
Event root_event(RootFacts facts);

// What a pool makes of an event. Tenant, root, trace and the mark of a replay are the parent's; foreign headers stay
// with the parent's record.
struct ChildFacts {
  std::string_view pool;
  EventKind kind;
  std::uint32_t index = 0;  // among the children of this kind that the pool makes of this parent
  EventKey key;             // of the parent's tenant
  Time time;
  Json data = Json::Object{};
};
Event child_event(const Event& parent, ChildFacts facts);

struct Encoded {
  std::string key;
  std::string value;
  Headers headers;

  bool operator==(const Encoded&) const = default;
};

constexpr std::size_t value_bytes_max =
    1'900'000;  // of a record of 2 MB; key, our headers and foreign ones have the rest
constexpr std::size_t data_depth_max = JsonLimits{}.depth_max;

// Kind::invalid when data or unknown break a rule of json.hpp, or the key is another tenant's. What it accepts, decode
// reads.
Result<Encoded> encode(const Event& event);

// Kind::corrupt; the sentence names the header, member or byte, and nothing that a customer wrote.
Result<Event> decode(std::optional<std::string_view> key, std::optional<std::string_view> value,
                     std::span<const HeaderView> headers);
Result<Event> decode(const Encoded& record);

}  // namespace sluice::event
