#include "common/db/notices.hpp"

#include <atomic>
#include <map>
#include <utility>

#include "common/async/guarded.hpp"

namespace sluice::db {

struct Notices::Ear {
  Ear(Loop& its_loop, std::function<void()> its_heard) : loop(its_loop), heard(std::move(its_heard)) {}

  static void call(const std::shared_ptr<Ear>& ear) {
    if (ear->called.exchange(true)) return;
    ear->loop.post([ear] {
      ear->called = false;  // before the call, so that what commits during it is heard once more
      if (ear->listening) ear->heard();
    });
  }

  Loop& loop;
  std::function<void()> heard;
  std::atomic<bool> called{false};  // a call is on its way to the loop
  bool listening = true;            // on the loop's thread
};

struct Notices::Ears {
  Guarded<std::multimap<std::string, std::shared_ptr<Ear>, std::less<>>> by_channel;
};

// Holds the ears too, so that it can leave them whoever goes first.
class Notices::Listener final : public Listening {
 public:
  Listener(std::shared_ptr<Ears> ears, std::string channel, std::shared_ptr<Ear> ear)
      : ears_(std::move(ears)),
        ear_(std::move(ear)),
        place_(ears_->by_channel.with([&](auto& all) { return all.emplace(std::move(channel), ear_); })) {}
  ~Listener() override {
    ear_->listening = false;
    ears_->by_channel.with([this](auto& all) { all.erase(place_); });
  }

 private:
  std::shared_ptr<Ears> ears_;
  std::shared_ptr<Ear> ear_;
  std::multimap<std::string, std::shared_ptr<Ear>, std::less<>>::iterator place_;
};

Notices::Notices() : ears_(std::make_shared<Ears>()) {}

Notices::~Notices() = default;

std::unique_ptr<Listening> Notices::listen(Loop& loop, std::string channel, std::function<void()> heard) {
  return std::make_unique<Listener>(ears_, std::move(channel), std::make_shared<Ear>(loop, std::move(heard)));
}

void Notices::tell(std::string_view channel) {
  ears_->by_channel.with([&](auto& ears) {
    const auto [first, last] = ears.equal_range(channel);
    for (auto ear = first; ear != last; ++ear) Ear::call(ear->second);
  });
}

void Notices::tell_all() {
  ears_->by_channel.with([](auto& ears) {
    for (const auto& [channel, ear] : ears) Ear::call(ear);
  });
}

}  // namespace sluice::db
