#include "common/event/person.hpp"

namespace sluice::event {

PersonId minted_person(const Tenant& tenant, const Address& first) {
  return PersonId{digest_of("sluice/person/1", {tenant.text(), first.identity()})};
}

}  // namespace sluice::event
