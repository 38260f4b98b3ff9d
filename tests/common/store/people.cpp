#include "tests/common/store/people.hpp"

#include "common/store/persons.hpp"

namespace sluice::store {

event::PersonId person(StoreWorld& world, std::string_view of_tenant, const std::vector<std::string>& theirs,
                       WallTime now) {
  std::vector<event::Address> addresses;
  for (const auto& text : theirs) addresses.push_back(address(text));
  return world.sure(find_or_make_person(world.database(), tenant(of_tenant), std::move(addresses), now));
}

}  // namespace sluice::store
