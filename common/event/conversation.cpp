#include "common/event/conversation.hpp"

#include "common/base/ensure.hpp"

namespace sluice::event {
namespace {

constexpr char bar = '|';

Address known_good(std::string_view text) {
  auto address = Address::parse(text);
  ENSURE(address.has_value(), "a key was built of valid addresses");
  return std::move(*address);
}

}  // namespace

template <class Tag>
PairKey<Tag>::PairKey(const Tenant& tenant, const OurAddress& ours, const TheirAddress& theirs)
    : text_(fmt::format("{}|{}|{}", tenant.text(), ours.address.text(), theirs.address.text())),
      tenant_end_(tenant.text().size()),
      ours_end_(tenant_end_ + 1 + ours.address.text().size()) {}

template <class Tag>
Result<PairKey<Tag>> PairKey<Tag>::parse(std::string_view text) {
  const auto tenant_end = text.find(bar);
  const auto ours_end = tenant_end == std::string_view::npos ? tenant_end : text.find(bar, tenant_end + 1);
  if (ours_end == std::string_view::npos) return fail(Kind::invalid, "a key has the form <tenant>|<ours>|<theirs>");
  if (auto tenant = Tenant::parse(text.substr(0, tenant_end)); !tenant) return fail(std::move(tenant.error()));
  const auto ours = text.substr(tenant_end + 1, ours_end - tenant_end - 1);
  if (auto address = Address::parse(ours); !address) return fail(std::move(address.error()).while_doing("ours"));
  auto address = Address::parse(text.substr(ours_end + 1));
  if (!address) return fail(std::move(address.error()).while_doing("theirs"));
  return PairKey{std::string{text}, tenant_end, ours_end};
}

template <class Tag>
Result<PairKey<Tag>> PairKey<Tag>::from_source_id(const Tenant& tenant, std::string_view source_id) {
  return parse(fmt::format("{}|{}", tenant.text(), source_id));
}

template <class Tag>
std::string PairKey<Tag>::masked() const {
  return fmt::format("{}|{}|{}", tenant().text(), ours().address.masked(), theirs().address.masked());
}

template <class Tag>
Tenant PairKey<Tag>::tenant() const {
  auto tenant = Tenant::parse(std::string_view{text_}.substr(0, tenant_end_));
  ENSURE(tenant.has_value(), "a key was built of a valid tenant");
  return std::move(*tenant);
}

template <class Tag>
OurAddress PairKey<Tag>::ours() const {
  return {known_good(std::string_view{text_}.substr(tenant_end_ + 1, ours_end_ - tenant_end_ - 1))};
}

template <class Tag>
TheirAddress PairKey<Tag>::theirs() const {
  return {known_good(std::string_view{text_}.substr(ours_end_ + 1))};
}

template class PairKey<InboundTag>;
template class PairKey<ConversationTag>;

ConversationKey minted_conversation(const InboundKey& first) {
  return ConversationKey{first.tenant(), first.ours(), first.theirs()};
}

}  // namespace sluice::event
