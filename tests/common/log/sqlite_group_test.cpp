// Who holds which partition, told by the groups alone: no file, no loop, simulated time.
#include <algorithm>
#include <map>
#include <set>

#include <doctest/doctest.h>

#include "common/log/sqlite_group.hpp"
#include "tests/support/world.hpp"

namespace sluice::log {

namespace {

using namespace std::chrono_literals;

// A member that remembers what it was told.
class Told final : public GroupMember {
 public:
  void granted(std::vector<Grant> grants) override {
    for (const auto& [number, epoch] : grants) {
      CHECK_FALSE(held.contains(number));
      held[number] = epoch;
    }
  }
  void revoked(std::vector<std::int32_t> numbers, Instant until) override {
    for (const auto number : numbers) {
      CHECK(held.contains(number));
      CHECK(revoking.insert(number).second);
    }
    deadline = until;
  }
  void taken(std::vector<std::int32_t> numbers) override {
    for (const auto number : numbers) {
      CHECK(revoking.erase(number) == 1);
      held.erase(number);
      lost.insert(number);
    }
  }
  void left() override {
    CHECK(held.empty());
    has_left = true;
  }
  void broken(Failure /*failure*/) override {
    is_broken = true;
    held.clear();
    revoking.clear();
  }

  void release(SqliteGroups& groups) {
    const std::vector<std::int32_t> numbers(revoking.begin(), revoking.end());
    for (const auto number : numbers) held.erase(number);
    revoking.clear();
    groups.release(id, numbers);
  }
  [[nodiscard]] std::vector<std::int32_t> numbers() const {
    std::vector<std::int32_t> numbers;
    for (const auto& [number, epoch] : held) numbers.push_back(number);
    return numbers;
  }

  MemberId id = 0;
  std::map<std::int32_t, Epoch> held;
  std::set<std::int32_t> revoking;
  std::set<std::int32_t> lost;
  Instant deadline{};
  bool has_left = false;
  bool is_broken = false;
};

struct GroupScene : SimulatedWorld {
  std::optional<Instant> wake_at;
  SqliteGroups groups{clock, [this](Instant when) { wake_at = std::min(wake_at.value_or(when), when); }};

  Result<MemberId> join(Told& member, std::string group = "g", std::vector<std::string> topics = {"a", "b"},
                        std::int32_t partitions = 7) {
    auto joined = groups.join({.group = std::move(group), .topics = std::move(topics), .revoke_wait_max = 2s},
                              partitions, member);
    if (joined) member.id = *joined;
    return joined;
  }
};

using Numbers = std::vector<std::int32_t>;

}  // namespace

TEST_CASE("a single member is granted every number") {
  GroupScene scene;
  Told only;

  REQUIRE(scene.join(only).has_value());

  CHECK(only.numbers() == Numbers{0, 1, 2, 3, 4, 5, 6});
  for (const auto& [number, epoch] : only.held) {
    CHECK(scene.groups.is_held(only.id, number, epoch));
    CHECK(scene.groups.holder_of({"a", number}, epoch) == "g");
    CHECK(scene.groups.holder_of({"b", number}, epoch) == "g");
  }
}

TEST_CASE("an epoch is good for its own number and the topics of its group alone") {
  GroupScene scene;
  Told only;
  REQUIRE(scene.join(only).has_value());
  const auto epoch = only.held[3];

  CHECK_FALSE(scene.groups.holder_of({"a", 4}, epoch).has_value());
  CHECK_FALSE(scene.groups.holder_of({"c", 3}, epoch).has_value());
  CHECK_FALSE(scene.groups.holder_of({"a", 3}, epoch + 1000).has_value());
}

TEST_CASE("a second member gets its range when the first has released it") {
  GroupScene scene;
  Told first;
  Told second;
  REQUIRE(scene.join(first).has_value());
  const auto old_epochs = first.held;

  REQUIRE(scene.join(second).has_value());
  const auto before_release = second.numbers();
  const auto revoking = first.revoking;
  first.release(scene.groups);

  CHECK(before_release.empty());
  CHECK(revoking == std::set<std::int32_t>{4, 5, 6});
  CHECK(first.numbers() == Numbers{0, 1, 2, 3});
  CHECK(second.numbers() == Numbers{4, 5, 6});
  for (const auto& [number, epoch] : second.held) {
    CHECK(epoch > old_epochs.at(number));
    CHECK_FALSE(scene.groups.holder_of({"a", number}, old_epochs.at(number)).has_value());
  }
}

TEST_CASE("what is not released is taken at the deadline and not before") {
  GroupScene scene;
  Told silent;
  Told waiting;
  REQUIRE(scene.join(silent).has_value());
  REQUIRE(scene.join(waiting).has_value());
  CHECK(silent.deadline == scene.clock.now() + 2s);
  CHECK(scene.wake_at == silent.deadline);

  scene.clock.run_for(2s - 1ns);
  scene.groups.expire();
  const auto just_before = waiting.numbers();
  scene.clock.run_for(1ns);
  scene.groups.expire();

  CHECK(just_before.empty());
  CHECK(silent.lost == std::set<std::int32_t>{4, 5, 6});
  CHECK(waiting.numbers() == Numbers{4, 5, 6});
}

TEST_CASE("expiring early asks to be woken again") {
  GroupScene scene;
  Told silent;
  Told waiting;
  REQUIRE(scene.join(silent).has_value());
  REQUIRE(scene.join(waiting).has_value());

  scene.wake_at.reset();
  scene.groups.expire();

  CHECK(scene.wake_at == silent.deadline);
}

TEST_CASE("releasing what is not revoked changes nothing") {
  GroupScene scene;
  Told only;
  REQUIRE(scene.join(only).has_value());
  const auto held = only.held;

  scene.groups.release(only.id, {0, 1});

  CHECK(only.held == held);
  CHECK(scene.groups.is_held(only.id, 0, held.at(0)));
}

TEST_CASE("a leaving member is revoked everything and has left when it is released") {
  GroupScene scene;
  Told leaving;
  Told staying;
  REQUIRE(scene.join(leaving).has_value());
  REQUIRE(scene.join(staying).has_value());
  leaving.release(scene.groups);

  scene.groups.leave(leaving.id);
  const bool left_early = leaving.has_left;
  leaving.release(scene.groups);

  CHECK_FALSE(left_early);
  CHECK(leaving.has_left);
  CHECK(staying.numbers() == Numbers{0, 1, 2, 3, 4, 5, 6});
}

TEST_CASE("a member without partitions has left at once") {
  GroupScene scene;
  Told only;
  Told extra;
  REQUIRE(scene.join(only, "g", {"a"}, 1).has_value());
  REQUIRE(scene.join(extra, "g", {"a"}, 1).has_value());

  scene.groups.leave(extra.id);

  CHECK(extra.has_left);
  CHECK(only.numbers() == Numbers{0});
}

TEST_CASE("a dropped member's partitions go to the others at once") {
  GroupScene scene;
  Told gone;
  Told staying;
  REQUIRE(scene.join(gone).has_value());
  REQUIRE(scene.join(staying).has_value());
  const auto epochs = gone.held;

  scene.groups.drop(gone.id);

  CHECK(staying.numbers() == Numbers{0, 1, 2, 3, 4, 5, 6});
  CHECK_FALSE(scene.groups.holder_of({"a", 0}, epochs.at(0)).has_value());
}

TEST_CASE("members of one group read the same topics in any order") {
  GroupScene scene;
  Told first;
  Told reordered;
  Told other;
  REQUIRE(scene.join(first, "g", {"a", "b"}).has_value());

  const auto same = scene.join(reordered, "g", {"b", "a"});
  const auto different = scene.join(other, "g", {"a"});

  CHECK(same.has_value());
  REQUIRE_FALSE(different.has_value());
  CHECK(different.error().kind == Kind::invalid);
  CHECK(different.error().sentence.find("a, b") != std::string::npos);
}

TEST_CASE("an empty group forgets its topics") {
  GroupScene scene;
  Told first;
  Told second;
  REQUIRE(scene.join(first, "g", {"a"}).has_value());
  scene.groups.drop(first.id);

  CHECK(scene.groups.readers_of("a").empty());
  CHECK(scene.join(second, "g", {"b"}, 3).has_value());
  CHECK(scene.groups.readers_of("b") == std::vector<std::string>{"g"});
  CHECK(second.numbers() == Numbers{0, 1, 2});
}

TEST_CASE("groups hold the same partition side by side under epochs of their own") {
  GroupScene scene;
  Told mine;
  Told theirs;

  REQUIRE(scene.join(mine, "g").has_value());
  REQUIRE(scene.join(theirs, "h").has_value());

  CHECK(mine.held.size() == 7);
  CHECK(theirs.held.size() == 7);
  CHECK(scene.groups.holder_of({"a", 2}, mine.held[2]) == "g");
  CHECK(scene.groups.holder_of({"a", 2}, theirs.held[2]) == "h");
  CHECK(scene.groups.readers_of("a") == std::vector<std::string>{"g", "h"});
}

TEST_CASE("a later generation's epochs are above all of an earlier one") {
  GroupScene earlier;
  GroupScene later;
  Told before;
  Told after;
  earlier.groups.begin_generation(1);
  later.groups.begin_generation(2);

  for (int i = 0; i < 1000; ++i) {
    Told passing;
    REQUIRE(earlier.join(passing).has_value());
    earlier.groups.drop(passing.id);
  }
  REQUIRE(earlier.join(before).has_value());
  REQUIRE(later.join(after).has_value());

  CHECK(after.held[0] > before.held[6]);
}

TEST_CASE("a broken log takes everything from everyone") {
  GroupScene scene;
  Told first;
  Told second;
  REQUIRE(scene.join(first).has_value());
  REQUIRE(scene.join(second).has_value());
  const auto epoch = first.held[0];

  scene.groups.break_all({Kind::stopping, "closed", {}});

  CHECK(first.is_broken);
  CHECK(second.is_broken);
  CHECK_FALSE(scene.groups.holder_of({"a", 0}, epoch).has_value());
  scene.groups.release(first.id, {0});
  scene.groups.leave(first.id);
  scene.groups.drop(first.id);
}

// Members come and go and dawdle at random. At no time do two hold one number, epochs only rise, and when all have
// answered everything is held by those who should hold it.
TEST_CASE("whatever members do nobody shares a number and all settles") {
  GroupScene scene;
  std::map<std::int32_t, Epoch> newest;
  std::vector<std::unique_ptr<Told>> members;
  const auto check_owners = [&] {
    std::map<std::int32_t, int> owners;
    for (const auto& member : members) {
      for (const auto& [number, epoch] : member->held) {
        if (!scene.groups.is_held(member->id, number, epoch)) continue;
        REQUIRE(++owners[number] == 1);
        REQUIRE(epoch >= newest[number]);
        newest[number] = epoch;
      }
    }
  };

  for (int step = 0; step < 3000; ++step) {
    const auto what = scene.random.below(6);
    auto* any = members.empty() ? nullptr : members[scene.random.below(members.size())].get();
    if (what == 0 && members.size() < 9) {
      members.push_back(std::make_unique<Told>());
      REQUIRE(scene.join(*members.back()).has_value());
    } else if (what == 1 && any != nullptr) {
      scene.groups.leave(any->id);
    } else if (what == 2 && any != nullptr && scene.random.one_in(2)) {
      scene.groups.drop(any->id);
      std::erase_if(members, [any](const auto& member) { return member.get() == any; });
    } else if (what == 3) {
      scene.clock.run_for(scene.random.between(0s, 1s));
      scene.groups.expire();
    } else if (any != nullptr) {
      any->release(scene.groups);
    }
    std::erase_if(members, [](const auto& member) { return member->has_left; });
    check_owners();
  }
  for (int round = 0; round < 3; ++round) {
    for (const auto& member : members) member->release(scene.groups);
    std::erase_if(members, [](const auto& member) { return member->has_left; });
  }

  std::set<std::int32_t> held;
  for (const auto& member : members) {
    for (const auto number : member->numbers()) CHECK(held.insert(number).second);
    if (members.size() <= 7) CHECK_FALSE(member->held.empty());
  }
  CHECK(held.size() == (members.empty() ? 0 : 7));
}

}  // namespace sluice::log
