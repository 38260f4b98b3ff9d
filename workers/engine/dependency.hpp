// Services that can be sick. A sick dependency is not a poison message: events wait for it without an attempt being
// counted.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/async/clock.hpp"
#include "common/async/random.hpp"
#include "common/async/task.hpp"
#include "common/base/result.hpp"
#include "common/event/tenant.hpp"

namespace sluice::engine {

enum class Verdict : std::uint8_t {
  fine,       // it answered, whatever it said of this event
  sick,       // it could not: timeout, 5xx, connection
  throttled,  // it asked for less: 429
  refused,    // it does not know us any more: 401, 403. Opens at once, with a configuration alarm
  abandoned,  // we stopped waiting for a reason of our own
};

struct DependencySettings {
  std::string name;       // a literal of the pool: "twilio"
  bool optional = false;  // an optional one never makes a lane wait
  std::chrono::milliseconds call_max{10'000};
  std::size_t breaker_failures_min = 5;  // in the window, and
  double breaker_failure_share = 0.5;    // this share of the calls in it
  std::chrono::milliseconds breaker_window{10'000};
  std::chrono::milliseconds breaker_open_min{1'000};  // doubles with each failed probe
  std::chrono::milliseconds breaker_open_max{60'000};
  std::size_t concurrency_start = 16;
  std::size_t concurrency_max = 1024;
  double rate_per_second = 0;  // 0: no bucket
  double burst = 1;
};

// Leave for one call. Reporting it (or destroying it: abandoned) gives the place back.
class Pass {
 public:
  struct Book {  // who takes the report
    virtual ~Book() = default;
    virtual void report(Verdict verdict, Duration took, std::optional<std::chrono::milliseconds> asked_to_wait) = 0;
  };
  explicit Pass(std::unique_ptr<Book> book, Instant deadline) : book_(std::move(book)), deadline_(deadline) {}
  Pass(Pass&&) noexcept = default;
  Pass& operator=(Pass&&) noexcept = default;
  ~Pass();

  [[nodiscard]] Instant deadline() const { return deadline_; }  // of this call
  void report(Verdict verdict, Duration took, std::optional<std::chrono::milliseconds> asked_to_wait = {});

 private:
  std::unique_ptr<Book> book_;
  Instant deadline_;
};

enum class Openness : std::uint8_t { closed, open_for_tenant, open_for_all };

class Dependencies {
 public:
  Dependencies(Clock& clock, Random& random, std::vector<DependencySettings> settings);
  ~Dependencies();

  // Waits for a place and a token, within `deadline`. Kind::unavailable with the time until the next probe while open.
  Task<Result<Pass>> enter(std::string_view dependency, const event::Tenant& tenant, Instant deadline);

  [[nodiscard]] Openness openness(std::string_view dependency, const event::Tenant& tenant) const;
  // While it is open: when a call may be tried. It is in the past while somebody tries.
  [[nodiscard]] std::optional<Instant> next_probe(std::string_view dependency, const event::Tenant& tenant) const;

  struct Figures {
    std::string name;
    bool open_for_all = false;
    std::size_t tenants_open = 0;
    std::size_t calls = 0;      // under way, of all tenants
    std::size_t calls_max = 0;  // of one tenant: of the one that may make the fewest; 0 when there is none
  };
  [[nodiscard]] std::vector<Figures> figures() const;

  // Called on the loop's thread when a breaker opens, allows a probe, or closes; `tenant` is none when it concerns all.
  struct Change {
    std::string dependency;
    std::optional<event::Tenant> tenant = {};
    Openness now = Openness::closed;
    bool probe_allowed = false;
    bool configuration = false;  // it refused our credentials
  };
  // `heard` is called for as long as what this answers exists.
  [[nodiscard]] std::shared_ptr<void> when_changed(std::function<void(const Change&)> heard);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace sluice::engine
