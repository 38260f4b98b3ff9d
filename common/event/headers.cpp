#include "common/event/headers.hpp"

#include <algorithm>
#include <array>
#include <iterator>

#include <fmt/format.h>

#include "common/event/number_text.hpp"
#include "common/event/utf8.hpp"

namespace sluice::event {
namespace {

constexpr std::size_t source_bytes_max = 512;
constexpr std::size_t topic_bytes_max = 249;  // Kafka's own bound

enum Ours : std::uint8_t {
  ce_specversion,
  ce_id,
  ce_type,
  ce_source,
  ce_time,
  ce_subject,
  traceparent,
  tenant,
  attempt,
  hops,
  not_before,
  origin,
  error_class,
  error_code,
  error_message,
  fingerprint,
  replay,
  ours_count,
};
constexpr std::array<std::string_view, ours_count> names{
    "ce_specversion",
    "ce_id",
    "ce_type",
    "ce_source",
    "ce_time",
    "ce_subject",
    "traceparent",
    "sluice-tenant",
    "sluice-attempt",
    "sluice-hops",
    "sluice-not-before",
    "sluice-origin",
    "sluice-error-class",
    "sluice-error-code",
    "sluice-error-message",
    "sluice-fingerprint",
    "sluice-replay",
};

class Seen {
 public:
  explicit Seen(std::span<const HeaderView> headers) {
    auto next = names.begin();  // they mostly stand in our order
    for (const auto& header : headers) {
      auto name = std::find(next, names.end(), header.name);
      if (name == names.end()) name = std::find(names.begin(), next, header.name);
      if (name != names.end() && *name == header.name) {
        next = name + 1;
        values_[static_cast<std::size_t>(name - names.begin())] = header.value;
      } else {
        foreign_.push_back(
            {std::string{header.name}, header.value ? std::optional<std::string>{*header.value} : std::nullopt});
      }
    }
  }

  [[nodiscard]] const std::optional<std::string_view>& operator[](Ours which) const { return values_[which]; }
  Headers foreign() && { return std::move(foreign_); }

  // The header must be there and be understood.
  template <class T>
  Result<T> required(Ours which, Result<T> (*parse)(std::string_view)) const {
    if (!values_[which]) return fail(Kind::corrupt, fmt::format("the header {} is missing", names[which]));
    return named(which, parse(*values_[which]));
  }

  // When it is there it must be understood.
  template <class T>
  Result<std::optional<T>> optional(Ours which, Result<T> (*parse)(std::string_view)) const {
    if (!values_[which]) return std::optional<T>{};
    return named(which, parse(*values_[which])).map([](T value) { return std::optional<T>{std::move(value)}; });
  }

 private:
  template <class T>
  static Result<T> named(Ours which, Result<T> parsed) {
    if (parsed) return parsed;
    return fail(Kind::corrupt, fmt::format("the header {}: {}", names[which], parsed.error().sentence));
  }

  std::array<std::optional<std::string_view>, ours_count> values_;
  Headers foreign_;
};

template <class T>
std::optional<T> whole_number(std::string_view text) {
  const auto value = number_of<T>(text);
  return value && *value >= 0 ? value : std::nullopt;
}

bool is_visible_ascii(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c <= '~'; });
}

Result<std::string> parse_specversion(std::string_view text) {
  if (text.starts_with("1.")) return std::string{"1.0"};
  return fail(Kind::invalid, "only version 1 of CloudEvents is understood");
}

Result<std::string> parse_source(std::string_view text) {
  if (!text.empty() && text.size() <= source_bytes_max && is_visible_ascii(text)) return std::string{text};
  return fail(Kind::invalid, "a source is 1 to 512 visible ASCII characters");
}

Result<std::uint32_t> parse_attempt(std::string_view text) {
  if (const auto value = whole_number<std::uint32_t>(text)) return *value;
  return fail(Kind::invalid, "an attempt is a whole number");
}

Result<std::uint32_t> parse_hops(std::string_view text) {
  if (const auto value = whole_number<std::uint32_t>(text)) return *value;
  return fail(Kind::invalid, "hops are a whole number");
}

Result<std::string> parse_replay(std::string_view text) {
  if (text.size() <= Trouble::word_bytes_max && is_visible_ascii(text)) return std::string{text};
  return fail(Kind::invalid, "a replay is named by at most 200 visible ASCII characters");
}

// "<topic>/<partition>/<offset>/<timestamp in ms>"; the topic itself has no slash.
Result<Origin> parse_origin(std::string_view text) {
  std::array<std::string_view, 4> parts;
  std::size_t count = 0;
  for (std::size_t begin = 0; begin <= text.size(); ++count) {
    const auto end = std::min(text.find('/', begin), text.size());
    if (count < parts.size()) parts[count] = text.substr(begin, end - begin);
    begin = end + 1;
  }
  const auto partition = whole_number<std::int32_t>(parts[1]);
  const auto offset = whole_number<std::int64_t>(parts[2]);
  const auto timestamp = whole_number<std::int64_t>(parts[3]);
  const bool topic = !parts[0].empty() && parts[0].size() <= topic_bytes_max && is_visible_ascii(parts[0]);
  if (count != parts.size() || !topic || !partition || !offset || !timestamp) {
    return fail(Kind::invalid, "an origin has the form <topic>/<partition>/<offset>/<milliseconds>");
  }
  return Origin{std::string{parts[0]}, *partition, *offset, Time{std::chrono::milliseconds{*timestamp}}};
}

std::string origin_text(const Origin& origin) {
  return fmt::format("{}/{}/{}/{}", origin.topic, origin.partition, origin.offset,
                     origin.timestamp.time_since_epoch().count());
}

// What decode_headers() would refuse is not written.
Result<void> check(const EventHeaders& headers, std::string_view origin) {
  if (auto read = parse_source(headers.source); !read) return fail(std::move(read.error()));
  if (auto read = parse_replay(headers.journey.replay); !read) return fail(std::move(read.error()));
  if (origin.empty()) return {};
  auto read = parse_origin(origin);
  if (!read) return fail(std::move(read.error()));
  return {};
}

std::string tidy(std::string_view text, std::size_t bytes_max) {
  if (!check_text(text)) return tidy(cleaned_text(text), bytes_max);
  return std::string{cut_text(text, bytes_max)};
}

Trouble trouble_of(const Seen& seen) {
  const auto word = [&](Ours which) { return tidy(seen[which].value_or(""), Trouble::word_bytes_max); };
  return {.error_class = word(error_class),
          .code = word(error_code),
          .message = tidy(seen[error_message].value_or(""), Trouble::message_bytes_max),
          .fingerprint = word(fingerprint)};
}

Result<Journey> journey_of(const Seen& seen) {
  const auto tries = seen.optional(attempt, parse_attempt);
  if (!tries) return fail(tries.error());
  const auto passed = seen.optional(hops, parse_hops);
  if (!passed) return fail(passed.error());
  const auto due = seen.optional(not_before, parse_time);
  if (!due) return fail(due.error());
  auto first = seen.optional(origin, parse_origin);
  if (!first) return fail(std::move(first.error()));
  auto operation = seen.optional(replay, parse_replay);
  if (!operation) return fail(std::move(operation.error()));
  return Journey{.attempt = tries->value_or(0),
                 .hops = passed->value_or(0),
                 .not_before = *due,
                 .origin = std::move(*first),
                 .trouble = trouble_of(seen),
                 .replay = std::move(*operation).value_or("")};
}

}  // namespace

std::vector<HeaderView> views_of(const Headers& headers) {
  std::vector<HeaderView> views;
  views.reserve(headers.size());
  for (const auto& header : headers) views.push_back({header.name, header.value});
  return views;
}

bool is_ours(std::string_view header_name) {
  return std::find(names.begin(), names.end(), header_name) != names.end();
}

Result<Headers> encode_headers(const EventHeaders& headers, const ConversationKey* subject) {
  const Journey& journey = headers.journey;
  std::string first = journey.origin ? origin_text(*journey.origin) : std::string{};
  if (auto readable = check(headers, first); !readable) return fail(std::move(readable.error()));
  Headers out;
  out.reserve(ours_count + headers.foreign.size());
  const auto put = [&](Ours which, std::string value) { out.push_back({std::string{names[which]}, std::move(value)}); };
  const auto put_text = [&](Ours which, std::string_view text, std::size_t bytes_max) {
    if (!text.empty()) put(which, tidy(text, bytes_max));
  };
  put(ce_specversion, "1.0");
  put(ce_id, headers.id.text());
  put(ce_type, std::string{headers.kind.name()});
  put(ce_source, headers.source);
  put(ce_time, time_text(headers.time));
  if (subject != nullptr) put(ce_subject, subject->text());
  if (headers.trace && TraceParent::parse(headers.trace->text())) put(traceparent, headers.trace->text());
  put(tenant, headers.tenant.text());
  if (journey.attempt > 0) put(attempt, fmt::format_int{journey.attempt}.str());
  if (journey.hops > 0) put(hops, fmt::format_int{journey.hops}.str());
  if (journey.not_before) put(not_before, time_text(*journey.not_before));
  if (journey.origin) put(origin, std::move(first));
  put_text(error_class, journey.trouble.error_class, Trouble::word_bytes_max);
  put_text(error_code, journey.trouble.code, Trouble::word_bytes_max);
  put_text(error_message, journey.trouble.message, Trouble::message_bytes_max);
  put_text(fingerprint, journey.trouble.fingerprint, Trouble::word_bytes_max);
  if (!journey.replay.empty()) put(replay, journey.replay);
  std::copy_if(headers.foreign.begin(), headers.foreign.end(), std::back_inserter(out),
               [](const Header& header) { return !is_ours(header.name); });
  return out;
}

Result<DecodedHeaders> decode_headers(std::span<const HeaderView> headers) {
  Seen seen{headers};
  if (auto version = seen.required(ce_specversion, parse_specversion); !version)
    return fail(std::move(version.error()));
  const auto id = seen.required(ce_id, EventId::parse);
  if (!id) return fail(id.error());
  auto kind = seen.required(ce_type, EventKind::parse);
  if (!kind) return fail(std::move(kind.error()));
  auto whose = seen.required(tenant, Tenant::parse);
  if (!whose) return fail(std::move(whose.error()));
  const auto time = seen.required(ce_time, parse_time);
  if (!time) return fail(time.error());
  auto source = seen.required(ce_source, parse_source);
  if (!source) return fail(std::move(source.error()));
  auto subject = seen.optional(ce_subject, ConversationKey::parse);
  if (!subject) return fail(std::move(subject.error()));
  auto journey = journey_of(seen);
  if (!journey) return fail(std::move(journey.error()));
  return DecodedHeaders{.headers = {.id = *id,
                                    .kind = std::move(*kind),
                                    .tenant = std::move(*whose),
                                    .time = *time,
                                    .source = std::move(*source),
                                    .trace = seen[traceparent] ? TraceParent::parse(*seen[traceparent]) : std::nullopt,
                                    .journey = std::move(*journey),
                                    .foreign = std::move(seen).foreign()},
                        .subject = std::move(*subject)};
}

}  // namespace sluice::event
