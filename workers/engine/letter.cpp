#include "workers/engine/letter.hpp"

#include <fmt/format.h>

#include "common/event/partition.hpp"
#include "common/telemetry/redacted.hpp"

namespace sluice::engine {
namespace {

bool is_id_letter(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

// Words with a digit in them and quoted texts become one mark each.
std::string normalised(std::string_view sentence) {
  std::string result;
  for (std::size_t at = 0; at < sentence.size();) {
    if (sentence[at] == '"') {
      const auto end = sentence.find('"', at + 1);
      result += "\"\"";
      at = end == std::string_view::npos ? sentence.size() : end + 1;
    } else if (is_id_letter(sentence[at])) {
      std::size_t end = at;
      bool digit = false;
      for (; end < sentence.size() && is_id_letter(sentence[end]); ++end)
        digit = digit || (sentence[end] >= '0' && sentence[end] <= '9');
      result += digit ? std::string_view{"#"} : sentence.substr(at, end - at);
      at = end;
    } else {
      result += sentence[at++];
    }
  }
  return result;
}

}  // namespace

std::string fingerprint_of(std::string_view pool, std::string_view error_class, std::string_view code,
                           std::string_view sentence) {
  return event::hex_of(event::digest_of("fingerprint", {pool, error_class, code, normalised(sentence)})).substr(0, 16);
}

std::string letter_id(const Letter& facts, log::Offset offset) {
  if (facts.event != nullptr) {
    return event::hex_of(event::digest_of("letter", {facts.pool, facts.event->tenant.text(), facts.event->id.text()}));
  }
  return event::hex_of(event::digest_of(
      "unreadable", {facts.pool, facts.from.topic, std::to_string(facts.from.number), std::to_string(offset)}));
}

log::Outgoing dead_letter(const std::string& topic, std::int32_t partitions, const log::Record& record,
                          const Letter& facts) {
  const std::string id = letter_id(facts, record.offset());
  const std::string_view error_class = facts.error_class.empty() ? name_of(facts.why.kind) : facts.error_class;
  const std::string sentence = scrubbed(facts.why.sentence);
  log::Outgoing letter{
      .topic = topic, .partition = event::partition_of(id, partitions), .key = id + "/letter/0", .value = {}};
  if (record.value()) letter.value = std::string{*record.value()};
  for (const auto& header : record.headers()) {
    const bool ours = header.name.starts_with("sluice-dead-");
    if (!ours)
      letter.headers.push_back(
          {std::string{header.name}, header.value ? std::optional<std::string>{*header.value} : std::nullopt});
  }
  const auto say = [&](std::string_view name, std::optional<std::string> value) {
    letter.headers.push_back({std::string{name}, std::move(value)});
  };
  say("sluice-dead-class", std::string{error_class});
  say("sluice-dead-code", std::string{facts.code});
  say("sluice-dead-message", sentence);
  say("sluice-dead-fingerprint", fingerprint_of(facts.pool, error_class, facts.code, facts.why.sentence));
  say("sluice-dead-tries", std::to_string(facts.tries));
  say("sluice-dead-at", std::to_string(facts.now.time_since_epoch().count()));
  say("sluice-dead-pool", std::string{facts.pool});
  say("sluice-dead-worker", std::string{facts.owner});
  say("sluice-dead-from", fmt::format("{}/{}/{}/{}", facts.from.topic, facts.from.number, record.offset(),
                                      record.timestamp().time_since_epoch().count()));
  say("sluice-dead-key", record.key() ? std::optional<std::string>{*record.key()} : std::nullopt);
  if (facts.event != nullptr) say("sluice-dead-tenant", facts.event->tenant.text());
  if (!record.raw_headers().empty()) say("sluice-dead-raw-headers", std::string{record.raw_headers()});
  return letter;
}

}  // namespace sluice::engine
