// Events for the stories about the schedule.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "common/event/event.hpp"
#include "common/store/schedule.hpp"
#include "tests/common/store/worlds.hpp"

namespace sluice::store {

struct Asked {
  std::string_view tenant = "bakery";
  std::string_view theirs = "whatsapp:+31612345678";
  std::string_view id = "one";
  std::int64_t offset = 1;
  std::int64_t due = 1000;
};

struct Planned {
  event::Event event;
  event::Encoded record;
  WallTime due;

  [[nodiscard]] db::Statement row(std::string pool = "send") const {
    return schedule_row(std::move(pool), event, record, due);
  }
  [[nodiscard]] std::string id() const { return event.id.text(); }
};

Planned planned(const Asked& asked);

}  // namespace sluice::store
