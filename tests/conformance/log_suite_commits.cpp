// Commits: what is stored, what is refused, and where the next owner goes on.
#include <utility>

#include "tests/conformance/log_story.hpp"

namespace sluice::conformance {

namespace {

struct Joined {  // a group's only member, holding everything
  std::string group;
  std::unique_ptr<Member> member;
};

Task<Joined> join_alone(LogWorld& world, std::string topic, std::size_t partitions) {
  Joined joined{world.fresh_name("group"), {}};
  joined.member = co_await Member::join(world, joined.group, std::move(topic));
  const bool assigned = co_await until(world, *joined.member, [&] { return joined.member->held.size() == partitions; });
  REQUIRE(assigned);
  co_return joined;
}

Task<Done> commit_both(LogWorld& world, Member& member, Commit first, Commit second) {
  std::vector<Commit> commits;
  commits.push_back(std::move(first));
  commits.push_back(std::move(second));
  return soon(world, member.consumer().commit(std::move(commits)));
}

}  // namespace

Task<> commit_is_remembered(LogWorld& world) {
  const auto partition = co_await fresh_partition(world);
  const auto offsets = co_await put(world, partition, numbered("r", 4));
  const auto [group, member] = co_await join_alone(world, partition.topic, 1);
  const auto before = co_await committed_of(world, group, partition);

  const auto done = co_await member->commit(partition, offsets[3], "P1:abc");

  CHECK_FALSE(before.has_value());
  CHECK(done.has_value());
  const auto after = co_await committed_of(world, group, partition);
  REQUIRE(after.has_value());
  CHECK(after->watermark == offsets[3]);
  CHECK(after->metadata == "P1:abc");
}

Task<> resubscribe_from_watermark(LogWorld& world) {
  const auto partition = co_await fresh_partition(world);
  const auto offsets = co_await put(world, partition, numbered("r", 6));
  const auto [group, member] = co_await join_alone(world, partition.topic, 1);
  const auto done = co_await member->commit(partition, offsets[4], "P1:xyz");
  REQUIRE(done.has_value());
  co_await member->leave();

  auto next = co_await Member::join(world, group, partition.topic);
  const bool delivered = co_await until(world, *next, [&] { return next->end_of(partition) > offsets[5]; });

  REQUIRE(delivered);
  REQUIRE(next->held[partition].committed.has_value());
  CHECK(next->held[partition].committed->watermark == offsets[4]);
  CHECK(next->held[partition].committed->metadata == "P1:xyz");
  CHECK(next->values(partition) == std::vector<std::string>{"r-4", "r-5"});
}

Task<> watermark_in_the_middle(LogWorld& world) {
  const auto partition = co_await fresh_partition(world);
  const auto offsets = co_await put(world, partition, numbered("r", 10));
  const auto [group, member] = co_await join_alone(world, partition.topic, 1);
  const bool all = co_await until(world, *member, [&] { return member->got.size() == 10; });
  REQUIRE(all);
  const auto done = co_await member->commit(partition, offsets[3]);
  REQUIRE(done.has_value());
  co_await member->leave();

  for (int again = 0; again < 2; ++again) {  // without a further commit the same comes again
    auto next = co_await Member::join(world, group, partition.topic);
    const bool delivered = co_await until(world, *next, [&] { return next->end_of(partition) > offsets[9]; });
    REQUIRE(delivered);
    auto expected = numbered("r", 10);
    expected.erase(expected.begin(), expected.begin() + 3);
    CHECK(next->values(partition) == expected);
    co_await next->leave();
  }
}

Task<> watermark_goes_back(LogWorld& world) {
  const auto partition = co_await fresh_partition(world);
  const auto offsets = co_await put(world, partition, numbered("r", 4));
  const auto [group, member] = co_await join_alone(world, partition.topic, 1);

  const auto ahead = co_await member->commit(partition, offsets[3], "ahead");
  const auto back = co_await member->commit(partition, offsets[1], "back");

  CHECK(ahead.has_value());
  CHECK(back.has_value());
  const auto found = co_await committed_of(world, group, partition);
  REQUIRE(found.has_value());
  CHECK(found->watermark == offsets[1]);
  CHECK(found->metadata == "back");
}

Task<> metadata_round_trip(LogWorld& world) {
  const auto partition = co_await fresh_partition(world);
  std::string printable;
  for (std::size_t i = 0; printable.size() < metadata_bytes_max; ++i) {
    printable.push_back(static_cast<char>(' ' + i % 95));  // every printable character
  }
  const auto [group, member] = co_await join_alone(world, partition.topic, 1);

  const auto done = co_await member->commit(partition, 0, printable);

  CHECK(done.has_value());
  const auto found = co_await committed_of(world, group, partition);
  REQUIRE(found.has_value());
  CHECK(found->metadata == printable);
  co_await member->leave();
  auto next = co_await Member::join(world, group, partition.topic);
  const bool assigned = co_await until(world, *next, [&] { return next->holds(partition); });
  REQUIRE(assigned);
  REQUIRE(next->held[partition].committed.has_value());
  CHECK(next->held[partition].committed->metadata == printable);
}

Task<> metadata_refused(LogWorld& world) {
  const auto topic = co_await world.fresh_topic(2);
  const Partition bad{topic, 0};
  const Partition good{topic, 1};
  const auto [group, member] = co_await join_alone(world, topic, 2);
  const auto bad_epoch = member->held[bad].epoch;
  const auto good_epoch = member->held[good].epoch;
  Offset watermark = 0;

  for (const auto& metadata : {std::string(metadata_bytes_max + 1, 'x'), std::string{"\x01"}, std::string{"\x7f"},
                               std::string{"line\nbreak"}, std::string{"ü"}, std::string(1, '\0')}) {
    const auto refused =
        co_await commit_both(world, *member, {bad, bad_epoch, 7, metadata}, {good, good_epoch, ++watermark, "good"});
    CHECK(failed_as(refused, Kind::invalid));
    const auto of_bad = co_await committed_of(world, group, bad);
    const auto of_good = co_await committed_of(world, group, good);
    CHECK_FALSE(of_bad.has_value());
    REQUIRE(of_good.has_value());
    CHECK(of_good->watermark == watermark);
  }
}

Task<> stale_epoch_refused(LogWorld& world) {
  const auto topic = co_await world.fresh_topic(2);
  const Partition stale{topic, 0};
  const Partition good{topic, 1};
  const auto [group, member] = co_await join_alone(world, topic, 2);
  const auto good_epoch = member->held[good].epoch;
  Offset watermark = 0;

  for (const Epoch off : {Epoch{-1}, Epoch{1}}) {
    const auto wrong = member->held[stale].epoch + off;
    const auto refused =
        co_await commit_both(world, *member, {stale, wrong, 5, "wrong"}, {good, good_epoch, ++watermark, "good"});
    CHECK(failed_as(refused, Kind::stale));
    const auto of_stale = co_await committed_of(world, group, stale);
    const auto of_good = co_await committed_of(world, group, good);
    CHECK_FALSE(of_stale.has_value());
    REQUIRE(of_good.has_value());
    CHECK(of_good->watermark == watermark);
  }
}

Task<> unassigned_commit_refused(LogWorld& world) {
  const auto mine = co_await fresh_partition(world);
  const auto foreign = co_await fresh_partition(world);
  const auto [group, member] = co_await join_alone(world, mine.topic, 1);
  const auto epoch = member->held[mine].epoch;

  const auto refused = co_await commit_both(world, *member, {foreign, epoch, 1, ""}, {mine, epoch, 0, "mine"});

  CHECK(failed_as(refused, Kind::stale));
  const auto of_foreign = co_await committed_of(world, group, foreign);
  const auto of_mine = co_await committed_of(world, group, mine);
  CHECK_FALSE(of_foreign.has_value());
  CHECK(of_mine.has_value());
}

Task<> commit_after_release(LogWorld& world) {
  const auto partition = co_await fresh_partition(world);
  const auto offsets = co_await put(world, partition, numbered("r", 3));
  const auto [group, member] = co_await join_alone(world, partition.topic, 1);
  const auto epoch = member->held[partition].epoch;
  member->releases = false;
  member->consumer().close();
  const bool revoking = co_await until(world, *member, [&] { return member->revoking.contains(partition); });
  REQUIRE(revoking);
  const auto in_time = co_await member->commit(partition, offsets[1], "in time");

  std::vector<Partition> released;
  released.push_back(partition);
  member->consumer().release(released);
  std::vector<Commit> late;
  late.push_back(Commit{partition, epoch, offsets[2], "late"});
  const auto too_late = co_await soon(world, member->consumer().commit(std::move(late)));

  CHECK(in_time.has_value());
  CHECK(failed_as(too_late, Kind::stale));
  const auto found = co_await committed_of(world, group, partition);
  REQUIRE(found.has_value());
  CHECK(found->watermark == offsets[1]);
  CHECK(found->metadata == "in time");
}

Task<> commit_of_nothing(LogWorld& world) {
  const auto partition = co_await fresh_partition(world);
  const auto [group, member] = co_await join_alone(world, partition.topic, 1);

  const auto done = co_await soon(world, member->consumer().commit({}));

  CHECK(done.has_value());
}

}  // namespace sluice::conformance
