#include "workers/engine/dependency.hpp"

#include <map>
#include <unordered_map>

#include <fmt/format.h>

#include "common/async/deadline.hpp"
#include "common/async/signal.hpp"
#include "common/base/ensure.hpp"
#include "workers/engine/breaker.hpp"
#include "workers/engine/pace.hpp"

namespace sluice::engine {

Pass::~Pass() {
  if (book_) book_->report(Verdict::abandoned, Duration{}, {});
}

void Pass::report(Verdict verdict, Duration took, std::optional<std::chrono::milliseconds> asked_to_wait) {
  if (auto book = std::exchange(book_, nullptr)) book->report(verdict, took, asked_to_wait);
}

namespace {

BreakerSettings breaker_settings(const DependencySettings& settings) {
  return {.failures_min = settings.breaker_failures_min,
          .failure_share = settings.breaker_failure_share,
          .window = settings.breaker_window,
          .open_min = settings.breaker_open_min,
          .open_max = settings.breaker_open_max};
}

struct OfTenant {
  explicit OfTenant(const DependencySettings& settings)
      : breaker(breaker_settings(settings)), concurrency(settings.concurrency_start, settings.concurrency_max) {}
  Breaker breaker;
  ConcurrencyLimit concurrency;  // of its own: slow calls of a sick tenant take nobody else's place
  std::size_t calls = 0;         // under way
  Signal room;                   // a call ended
};

struct Dependency {
  explicit Dependency(DependencySettings its_settings)
      : settings(std::move(its_settings)),
        everybody(breaker_settings(settings)),
        bucket(settings.rate_per_second, settings.burst) {}

  DependencySettings settings;
  Breaker everybody;
  std::map<event::Tenant, OfTenant, std::less<>> tenants;
  TokenBucket bucket;
};

}  // namespace

struct Dependencies::State {
  State(Clock& its_clock, Random& its_random) : clock(its_clock), random(its_random) {}

  Dependency& find(std::string_view name) {
    const auto found = all.find(name);
    ENSURE(found != all.end(), "a dependency is declared before it is entered");
    return *found->second;
  }
  static OfTenant& of(Dependency& dependency, const event::Tenant& tenant) {
    return dependency.tenants.try_emplace(tenant, dependency.settings).first->second;
  }
  void tell(const Change& change) {
    std::erase_if(listeners, [](const auto& heard) { return heard.expired(); });
    const auto all_now = listeners;
    for (const auto& listener : all_now) {
      if (const auto heard = listener.lock()) (*heard)(change);
    }
  }

  // Sick for most tenants that were tried lately is sick for all.
  static bool mostly_open(const Dependency& dependency) {
    constexpr std::size_t tenants_min = 3;
    std::size_t open = 0;
    for (const auto& [tenant, state] : dependency.tenants) open += state.breaker.is_open() ? 1 : 0;
    return open >= tenants_min && open * 2 > dependency.tenants.size();
  }

  void settle(Dependency& dependency, const event::Tenant& tenant, Verdict verdict, bool probes_all, bool probes_tenant,
              std::optional<std::chrono::milliseconds> asked);

  Clock& clock;
  Random& random;
  std::map<std::string, std::unique_ptr<Dependency>, std::less<>> all;
  std::vector<std::weak_ptr<std::function<void(const Change&)>>> listeners;
};

void Dependencies::State::settle(Dependency& dependency, const event::Tenant& tenant, Verdict verdict, bool probes_all,
                                 bool probes_tenant, std::optional<std::chrono::milliseconds> asked) {
  const Instant now = clock.now();
  auto& of_tenant = of(dependency, tenant);
  auto& own = of_tenant.breaker;
  const bool all_was_open = dependency.everybody.is_open();
  const bool own_was_open = own.is_open();
  const std::string& name = dependency.settings.name;
  switch (verdict) {
    case Verdict::fine:
      of_tenant.concurrency.good();
      dependency.everybody.succeeded(now, probes_all);
      own.succeeded(now, probes_tenant);
      break;
    case Verdict::sick:
    case Verdict::throttled:
      of_tenant.concurrency.bad();
      if (probes_all) dependency.everybody.failed(now, true, random, asked);
      own.failed(now, probes_tenant, random, asked);
      if (!dependency.everybody.is_open() && mostly_open(dependency)) dependency.everybody.open_at_once(now, random);
      break;
    case Verdict::refused:
      if (probes_all) dependency.everybody.failed(now, true, random, asked);
      own.open_at_once(now, random);
      tell({.dependency = name, .tenant = tenant, .now = Openness::open_for_tenant, .configuration = true});
      break;
    case Verdict::abandoned:
      dependency.everybody.abandoned(probes_all);
      own.abandoned(probes_tenant);
      break;
  }
  if (dependency.everybody.is_open() != all_was_open) {
    tell({.dependency = name,
          .tenant = std::nullopt,
          .now = dependency.everybody.is_open() ? Openness::open_for_all : Openness::closed});
  }
  if (own.is_open() != own_was_open) {
    tell({.dependency = name, .tenant = tenant, .now = own.is_open() ? Openness::open_for_tenant : Openness::closed});
  }
}

namespace {

class OneCall final : public Pass::Book {
 public:
  OneCall(OfTenant& tenant, std::function<void(Verdict, std::optional<std::chrono::milliseconds>)> settled)
      : tenant_(tenant), settled_(std::move(settled)) {
    ++tenant_.calls;
  }
  void report(Verdict verdict, Duration /*took*/, std::optional<std::chrono::milliseconds> asked) override {
    --tenant_.calls;
    settled_(verdict, asked);
    tenant_.room.notify_all();
  }

 private:
  OfTenant& tenant_;
  std::function<void(Verdict, std::optional<std::chrono::milliseconds>)> settled_;
};

tl::unexpected<Failure> closed_until(std::string_view name, Instant now, Instant probe) {
  const auto wait = std::chrono::ceil<std::chrono::milliseconds>(std::max(probe - now, Duration{}));
  return fail(Failure{Kind::unavailable, fmt::format("{} is not to be called now", name), wait});
}

}  // namespace

Dependencies::Dependencies(Clock& clock, Random& random, std::vector<DependencySettings> settings)
    : state_(std::make_unique<State>(clock, random)) {
  for (auto& one : settings) {
    std::string name = one.name;
    state_->all.emplace(std::move(name), std::make_unique<Dependency>(std::move(one)));
  }
}
Dependencies::~Dependencies() = default;

Task<Result<Pass>> Dependencies::enter(std::string_view name, const event::Tenant& tenant, Instant deadline) {
  Dependency& dependency = state_->find(name);
  auto& of_tenant = State::of(dependency, tenant);
  auto& own = of_tenant.breaker;
  const Instant until = std::min(deadline, state_->clock.now() + dependency.settings.call_max);
  while (true) {
    const Instant now = state_->clock.now();
    const bool place = of_tenant.calls < of_tenant.concurrency.limit();
    const Duration token = dependency.bucket.wait(now);
    if (place && token == Duration{}) break;
    if (dependency.settings.optional) co_return fail(Kind::overloaded, fmt::format("{} takes no more calls now", name));
    if (now >= until) co_return fail(Kind::timed_out, fmt::format("no call to {} was possible in time", name));
    if (place) {
      co_await state_->clock.sleep_for(std::min(token, until - now));
    } else {
      [[maybe_unused]] const bool changed = co_await within(state_->clock, until, of_tenant.room.wait());
    }
  }
  const Instant now = state_->clock.now();
  const auto all_say = dependency.everybody.ask(now);
  if (all_say == Breaker::Says::no) co_return closed_until(name, now, dependency.everybody.next_probe());
  const auto own_says = own.ask(now);
  if (own_says == Breaker::Says::no) {
    dependency.everybody.abandoned(all_say == Breaker::Says::probe);
    co_return closed_until(name, now, own.next_probe());
  }
  dependency.bucket.take();
  const bool probes_all = all_say == Breaker::Says::probe;
  const bool probes_tenant = own_says == Breaker::Says::probe;
  auto book =
      std::make_unique<OneCall>(of_tenant, [state = state_.get(), &dependency, tenant, probes_all, probes_tenant](
                                               Verdict verdict, std::optional<std::chrono::milliseconds> asked) {
        state->settle(dependency, tenant, verdict, probes_all, probes_tenant, asked);
      });
  co_return Pass{std::move(book), std::min(deadline, now + dependency.settings.call_max)};
}

Openness Dependencies::openness(std::string_view name, const event::Tenant& tenant) const {
  Dependency& dependency = state_->find(name);
  if (dependency.everybody.is_open()) return Openness::open_for_all;
  return State::of(dependency, tenant).breaker.is_open() ? Openness::open_for_tenant : Openness::closed;
}

std::vector<Dependencies::Figures> Dependencies::figures() const {
  std::vector<Figures> all;
  for (const auto& [name, dependency] : state_->all) {
    Figures now{.name = name, .open_for_all = dependency->everybody.is_open()};
    for (const auto& [tenant, state] : dependency->tenants) {
      now.tenants_open += state.breaker.is_open() ? 1 : 0;
      now.calls += state.calls;
      const auto limit = state.concurrency.limit();
      now.calls_max = now.calls_max == 0 ? limit : std::min(now.calls_max, limit);
    }
    all.push_back(std::move(now));
  }
  return all;
}

std::optional<Instant> Dependencies::next_probe(std::string_view name, const event::Tenant& tenant) const {
  Dependency& dependency = state_->find(name);
  const auto& own = State::of(dependency, tenant).breaker;
  if (dependency.everybody.is_open()) return dependency.everybody.next_probe();
  if (own.is_open()) return own.next_probe();
  return std::nullopt;
}

std::shared_ptr<void> Dependencies::when_changed(std::function<void(const Change&)> heard) {
  auto listener = std::make_shared<std::function<void(const Change&)>>(std::move(heard));
  state_->listeners.push_back(listener);
  return listener;
}

}  // namespace sluice::engine
