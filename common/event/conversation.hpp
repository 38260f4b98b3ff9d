// The keys of records. Both name a tenant, an address of ours and one of theirs; they are different types, because what
// came in under an InboundKey belongs to the conversation that dedup finds, whose key may be another one.
#pragma once

#include <compare>
#include <functional>
#include <string>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include "common/base/result.hpp"
#include "common/event/address.hpp"
#include "common/event/tenant.hpp"

namespace sluice::event {

struct OurAddress {
  Address address;
};
struct TheirAddress {
  Address address;
};

// "<tenant>|<ours>|<theirs>". None of the three can contain a bar.
template <class Tag>
class PairKey {
 public:
  PairKey(const Tenant& tenant, const OurAddress& ours, const TheirAddress& theirs);
  static Result<PairKey> parse(std::string_view text);  // Kind::invalid

  // "<ours>|<theirs>": what Chatwoot keeps for us on a contact's inbox.
  static Result<PairKey> from_source_id(const Tenant& tenant, std::string_view source_id);
  [[nodiscard]] std::string_view source_id() const { return std::string_view{text_}.substr(tenant_end_ + 1); }

  [[nodiscard]] const std::string& text() const { return text_; }  // the record's key; never for people
  [[nodiscard]] std::string masked() const;                        // for people

  [[nodiscard]] bool is_of(const Tenant& tenant) const { return text_.compare(0, tenant_end_, tenant.text()) == 0; }
  [[nodiscard]] Tenant tenant() const;
  [[nodiscard]] OurAddress ours() const;
  [[nodiscard]] TheirAddress theirs() const;

  bool operator==(const PairKey& other) const { return text_ == other.text_; }
  auto operator<=>(const PairKey& other) const { return text_ <=> other.text_; }

 private:
  PairKey(std::string text, std::size_t tenant_end, std::size_t ours_end)
      : text_(std::move(text)), tenant_end_(tenant_end), ours_end_(ours_end) {}

  std::string text_;
  std::size_t tenant_end_;  // where the bar behind the tenant stands
  std::size_t ours_end_;    // where the bar behind our address stands
};

using InboundKey = PairKey<struct InboundTag>;
using ConversationKey = PairKey<struct ConversationTag>;

// A conversation is keyed by the addresses of its first message, for ever.
ConversationKey minted_conversation(const InboundKey& first);

}  // namespace sluice::event

template <class Tag>
struct std::hash<sluice::event::PairKey<Tag>> {
  std::size_t operator()(const sluice::event::PairKey<Tag>& key) const { return std::hash<std::string>{}(key.text()); }
};

template <class Tag>
struct fmt::formatter<sluice::event::PairKey<Tag>> : fmt::formatter<std::string_view> {
  auto format(const sluice::event::PairKey<Tag>& key, fmt::format_context& context) const {
    return fmt::formatter<std::string_view>::format(key.masked(), context);
  }
};
