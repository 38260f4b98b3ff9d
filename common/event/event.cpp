#include "common/event/event.hpp"

#include <algorithm>
#include <array>
#include <limits>
#include <vector>

#include <fmt/format.h>

#include "common/base/ensure.hpp"
#include "common/event/number_text.hpp"

namespace sluice::event {
namespace {

constexpr JsonLimits data_limits{};
constexpr JsonLimits value_limits{.bytes_max = value_bytes_max,
                                  .depth_max = data_depth_max + 1};  // data lies one deeper

constexpr std::array<std::string_view, 4> known_members{"version", "root", "parent", "data"};

tl::unexpected<Failure> corrupt(std::string_view where, const Failure& why) {
  return fail(Kind::corrupt, fmt::format("{}: {}", where, why.sentence));
}

bool is_of(const EventKey& key, const Tenant& tenant) {
  return std::visit([&](const auto& one) { return one.is_of(tenant); }, key);
}

Result<Version> parse_version(std::string_view text) {
  const auto dot = std::min(text.find('.'), text.size());
  const auto major = number_of<std::uint32_t>(text.substr(0, dot));
  const auto minor = number_of<std::uint32_t>(text.substr(std::min(dot + 1, text.size())));
  if (!major || !minor) return fail(Kind::invalid, "no version");
  if (*major != Version{}.major) {
    return fail(Kind::invalid, fmt::format("version {}.{} is not understood, only {}.x: a newer release reads it",
                                           *major, *minor, Version{}.major));
  }
  return Version{*major, *minor};
}

// What the value says, taken out of the parsed object.
struct Body {
  std::optional<Version> version;
  std::optional<EventId> root;
  std::optional<EventId> parent;
  std::optional<Json> data;
  Json::Object unknown;
};

template <class T>
Result<void> take(std::optional<T>& into, const Json::Member& member, Result<T> (*parse)(std::string_view)) {
  const std::string* text = member.value.text();
  if (text == nullptr) return fail(Kind::corrupt, fmt::format("the member {} is no text", member.name));
  auto parsed = parse(*text);
  if (!parsed) return corrupt(fmt::format("the member {}", member.name), parsed.error());
  into = std::move(*parsed);
  return {};
}

Result<void> take(Body& body, Json::Member& member) {
  if (member.name == "version") return take(body.version, member, parse_version);
  if (member.name == "root") return take(body.root, member, EventId::parse);
  if (member.name == "parent") return take(body.parent, member, EventId::parse);
  if (member.name != "data") {
    body.unknown.push_back(std::move(member));
    return {};
  }
  if (member.value.members() == nullptr) return fail(Kind::corrupt, "the member data is no object");
  body.data = std::move(member.value);
  return {};
}

Result<Body> decode_value(std::string_view value) {
  auto parsed = parse_json(value, value_limits);
  if (!parsed) return corrupt("the value", parsed.error());
  if (parsed->members() == nullptr) return fail(Kind::corrupt, "the value is no object");
  Body body;
  for (auto& member : *parsed->members()) {
    if (auto taken = take(body, member); !taken) return fail(std::move(taken.error()));
  }
  if (!body.version) return fail(Kind::corrupt, "the member version is missing");
  if (!body.root) return fail(Kind::corrupt, "the member root is missing");
  if (!body.data) return fail(Kind::corrupt, "the member data is missing");
  return body;
}

Result<std::string> encode_value(const Event& event) {
  if (event.data.members() == nullptr || event.unknown.members() == nullptr) {
    return fail(Kind::invalid, "data and unknown are objects");
  }
  if (event.version.major != Version{}.major) return fail(Kind::invalid, "only our own major version is written");
  for (const auto name : known_members) {
    if (event.unknown.find(name) != nullptr) return fail(Kind::invalid, fmt::format("{} is no unknown member", name));
  }
  auto data = write_json(event.data, data_limits);
  if (!data) return fail(std::move(data.error()).while_doing("the event's data"));
  auto unknown = write_json(event.unknown, value_limits);
  if (!unknown) return fail(std::move(unknown.error()).while_doing("the event's unknown members"));

  std::string value;
  constexpr std::size_t frame_bytes = 160;
  value.reserve(frame_bytes + data->size() + unknown->size());
  value += R"({"version":")";
  value += fmt::format_int{event.version.major}.str();
  value += '.';
  value += fmt::format_int{event.version.minor}.str();
  value += R"(","root":")";
  value += event.root.text();
  if (event.parent) {
    value += R"(","parent":")";
    value += event.parent->text();
  }
  value += '"';
  value += R"(,"data":)";
  value += *data;
  if (!event.unknown.members()->empty()) value += ',';
  value.append(*unknown, 1);  // without its opening brace
  if (value.size() > value_bytes_max) {
    return fail(Kind::invalid, fmt::format("a value of {} bytes, {} are allowed", value.size(), value_bytes_max));
  }
  return value;
}

}  // namespace

const std::string& text_of(const EventKey& key) {
  return std::visit([](const auto& one) -> const std::string& { return one.text(); }, key);
}

Event root_event(RootFacts facts) {
  const auto tenant = facts.key.tenant();
  const auto id = root_id(tenant, facts.source, facts.account, facts.provider_id);
  return Event{{.id = id,
                .kind = std::move(facts.kind),
                .tenant = tenant,
                .time = facts.time,
                .source = fmt::format("/{}/{}", name_of(facts.source), facts.account),
                .trace = std::move(facts.trace)},
               std::move(facts.key),
               id,
               std::nullopt,
               std::move(facts.data)};
}

Event child_event(const Event& parent, ChildFacts facts) {
  constexpr auto max_hops = std::numeric_limits<std::uint32_t>::max();
  ENSURE(is_of(facts.key, parent.tenant), "a child belongs to its parent's tenant");
  const auto id = child_id(parent.tenant, parent.id, facts.pool, facts.kind, facts.index);
  return Event{{.id = id,
                .kind = std::move(facts.kind),
                .tenant = parent.tenant,
                .time = facts.time,
                .source = fmt::format("/pools/{}", facts.pool),
                .trace = parent.trace,
                .journey = {.hops = parent.journey.hops < max_hops ? parent.journey.hops + 1 : max_hops,
                            .replay = parent.journey.replay}},
               std::move(facts.key),
               parent.root,
               parent.id,
               std::move(facts.data)};
}

Result<Encoded> encode(const Event& event) {
  if (!is_of(event.key, event.tenant)) return fail(Kind::invalid, "the event's key names another tenant");
  auto value = encode_value(event);
  if (!value) return fail(std::move(value.error()));
  auto headers = encode_headers(event, std::get_if<ConversationKey>(&event.key));
  if (!headers) return fail(std::move(headers.error()).while_doing("the event's headers"));
  return Encoded{.key = text_of(event.key), .value = std::move(*value), .headers = std::move(*headers)};
}

Result<Event> decode(std::optional<std::string_view> key, std::optional<std::string_view> value,
                     std::span<const HeaderView> headers) {
  if (!key) return fail(Kind::corrupt, "the record has no key");
  if (!value) return fail(Kind::corrupt, "the record has no value");
  auto decoded = decode_headers(headers);
  if (!decoded) return fail(std::move(decoded.error()));
  auto inbound = InboundKey::parse(*key);
  if (!inbound) return corrupt("the key", inbound.error());
  if (!inbound->is_of(decoded->headers.tenant))
    return fail(Kind::corrupt, "the key names another tenant than the header");
  if (decoded->subject && decoded->subject->text() != *key) return fail(Kind::corrupt, "the key and ce_subject differ");
  auto body = decode_value(*value);
  if (!body) return fail(std::move(body.error()));
  return Event{std::move(decoded->headers),
               decoded->subject ? EventKey{std::move(*decoded->subject)} : EventKey{std::move(*inbound)},
               *body->root,
               body->parent,
               std::move(*body->data),
               *body->version,
               Json{std::move(body->unknown)}};
}

Result<Event> decode(const Encoded& record) {
  return decode(record.key, record.value, views_of(record.headers));
}

}  // namespace sluice::event
