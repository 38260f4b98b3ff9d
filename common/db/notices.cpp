#include "common/db/notices.hpp"

#include <atomic>
#include <map>
#include <utility>

#include "common/async/guarded.hpp"

namespace sluice::db {
namespace {

struct Ear {
  Ear(Loop& its_loop, std::function<void()> its_heard) : loop(its_loop), heard(std::move(its_heard)) {}

  Loop& loop;
  std::function<void()> heard;
  std::atomic<bool> called{false};  // a call is on its way to the loop
  bool listening = true;            // on the loop's thread
};

void call(const std::shared_ptr<Ear>& ear) {
  if (ear->called.exchange(true)) return;
  ear->loop.post([ear] {
    ear->called = false;  // before the call, so that what commits during it is heard once more
    if (ear->listening) ear->heard();
  });
}

using Ears = std::multimap<std::string, std::shared_ptr<Ear>, std::less<>>;

}  // namespace

struct Notices::Ears {
  Guarded<db::Ears> by_channel;
};

namespace {

class Listener final : public Listening {
 public:
  Listener(std::shared_ptr<Ear> ear, std::function<void()> forget) : ear_(std::move(ear)), forget_(std::move(forget)) {}
  ~Listener() override {
    ear_->listening = false;
    forget_();
  }

 private:
  std::shared_ptr<Ear> ear_;
  std::function<void()> forget_;
};

}  // namespace

Notices::Notices() : ears_(std::make_shared<Ears>()) {}

Notices::~Notices() = default;

std::unique_ptr<Listening> Notices::listen(Loop& loop, std::string channel, std::function<void()> heard) {
  auto ear = std::make_shared<Ear>(loop, std::move(heard));
  const auto place = ears_->by_channel.with([&](auto& ears) { return ears.emplace(std::move(channel), ear); });
  return std::make_unique<Listener>(
      std::move(ear), [ears = ears_, place] { ears->by_channel.with([&](auto& all) { all.erase(place); }); });
}

void Notices::tell(std::string_view channel) {
  ears_->by_channel.with([&](auto& ears) {
    const auto [first, last] = ears.equal_range(channel);
    for (auto ear = first; ear != last; ++ear) call(ear->second);
  });
}

void Notices::tell_all() {
  ears_->by_channel.with([](auto& ears) {
    for (const auto& [channel, ear] : ears) call(ear);
  });
}

}  // namespace sluice::db
