#include "common/event/tenant.hpp"

namespace sluice::event {

Result<Tenant> Tenant::parse(std::string_view text) {
  constexpr std::string_view allowed = "abcdefghijklmnopqrstuvwxyz0123456789-";
  if (text.empty() || text.size() > bytes_max || text.find_first_not_of(allowed) != std::string_view::npos) {
    return fail(Kind::invalid, "a tenant is named by 1 to 64 of a-z, 0-9 and -");
  }
  return Tenant{std::string{text}};
}

}  // namespace sluice::event
