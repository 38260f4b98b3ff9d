// The headers of a record as the bytes of one column: names may repeat, order matters, a value may be absent.
#pragma once

#include <string>
#include <string_view>

#include "common/base/header.hpp"
#include "common/base/result.hpp"

namespace sluice::store {

std::string pack(const Headers& headers);
Result<Headers> unpack(std::string_view bytes);  // Kind::corrupt for what pack() never made

}  // namespace sluice::store
