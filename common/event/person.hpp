// A customer of one tenant. A phone number and a WhatsApp user id are aliases of one person; which, dedup finds out.
#pragma once

#include "common/event/address.hpp"
#include "common/event/hex_id.hpp"
#include "common/event/tenant.hpp"

namespace sluice::event {

using PersonId = HexId<struct PersonTag>;

// The id of a person who is first seen under this address. The channel doesn't count: +31… on SMS and WhatsApp is one.
PersonId minted_person(const Tenant& tenant, const Address& first);

}  // namespace sluice::event
