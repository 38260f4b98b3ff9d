#include "common/store/journal.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include "tests/common/store/worlds.hpp"

namespace sluice::store {
namespace {

JournalEntry entry(std::string root, std::string event, std::int64_t when, std::string what,
                   std::string of_tenant = "bakery") {
  return {.tenant = std::move(of_tenant),
          .root = std::move(root),
          .event = std::move(event),
          .at = at(when),
          .pool = "classify",
          .what = std::move(what),
          .attempt = 2,
          .detail = "the model answered 529"};
}

JournalPage read(StoreWorld& world, std::string id, std::string_view of_tenant = "bakery") {
  return world.sure(read_journal(world.database(), tenant(of_tenant), std::move(id)));
}

void write(StoreWorld& world, std::vector<JournalEntry> entries) {
  world.sure(write_journal(world.database(), std::move(entries)));
}

}  // namespace

TEST_CASE("what was written about a chain of events is read in order by the id of any of them") {
  in_every_world([](StoreWorld& world) {
    const std::vector entries{entry("root", "root", 10, "received"), entry("root", "child", 20, "attempt"),
                              entry("root", "root", 20, "routed"), entry("root", "grandchild", 30, "sent")};
    write(world, {entries[3], entry("other", "other", 15, "received")});
    write(world, {entries[1], entries[2], entries[0]});

    CHECK(read(world, "root").entries == entries);
    CHECK(read(world, "grandchild").entries == entries);
    CHECK(read(world, "grandchild").root == "root");
    CHECK_FALSE(read(world, "root").more.has_value());
  });
}

TEST_CASE("nothing is known under an id of nobody") {
  in_every_world([](StoreWorld& world) {
    write(world, {});

    const auto page = read(world, "nobody");

    CHECK(page.root.empty());
    CHECK(page.entries.empty());
  });
}

TEST_CASE("any number of entries is written and entries of one moment keep their order") {
  in_every_world([](StoreWorld& world) {
    for (const std::size_t count : {1U, 7U, 8U, 63U, 64U, 65U, 200U}) {
      std::vector<JournalEntry> entries;
      const auto root = fmt::format("root of {}", count);
      for (std::size_t number = 0; number < count; ++number)
        entries.push_back(entry(root, root, 10, fmt::format("step {}", number)));

      write(world, entries);

      CHECK(read(world, root).entries == entries);
    }
  });
}

TEST_CASE("many entries are few statements") {
  const std::vector entries(64 + 64 + 8 + 3, entry("root", "root", 1, "step"));

  CHECK(journal_rows(entries).size() == 6);
  CHECK(journal_rows({}).empty());
}

TEST_CASE("a long journal is read page by page") {
  in_every_world([](StoreWorld& world) {
    std::vector<JournalEntry> entries;
    for (int number = 0; number < 5; ++number)
      entries.push_back(entry("root", "root", 10 + number / 2, fmt::format("step {}", number)));
    write(world, entries);

    std::vector<JournalEntry> found;
    std::optional<JournalPlace> place;
    int pages = 0;
    do {
      const auto page = world.sure(read_journal(world.database(), tenant("bakery"), "root", place, 2));
      found.insert(found.end(), page.entries.begin(), page.entries.end());
      place = page.more;
      ++pages;
    } while (place);

    CHECK(found == entries);
    CHECK(pages == 3);
  });
}

TEST_CASE("another name leads to the first root that it was given") {
  in_every_world([](StoreWorld& world) {
    write(world, {entry("root", "root", 10, "received"), entry("other", "other", 10, "received")});
    world.sure(name_in_journal(tenant("bakery"), "SM1", "root", at(11)));
    world.sure(name_in_journal(tenant("bakery"), "SM1", "other", at(12)));

    CHECK(read(world, "SM1").root == "root");
    CHECK(read(world, "SM1").entries.size() == 1);
  });
}

TEST_CASE("two tenants with the same ids read their own journal") {
  in_every_world([](StoreWorld& world) {
    const auto ours = entry("root", "child", 10, "ours", "bakery");
    const auto theirs = entry("root", "child", 10, "theirs", "florist");
    write(world, {ours, theirs, entry("secret", "secret", 10, "theirs", "florist")});
    world.sure(name_in_journal(tenant("florist"), "SM1", "root", at(1)));

    for (const auto* id : {"root", "child"}) {
      CHECK(read(world, id, "bakery").entries == std::vector{ours});
      CHECK(read(world, id, "florist").entries == std::vector{theirs});
    }
    CHECK(read(world, "SM1", "bakery").root.empty());
    CHECK(read(world, "secret", "bakery").root.empty());
  });
}

TEST_CASE("old entries and names are forgotten in small steps and young ones stay") {
  in_every_world([](StoreWorld& world) {
    write(world, {entry("a", "a", 10, "old"), entry("a", "a", 20, "old"), entry("a", "a", 30, "young")});
    for (std::int64_t number = 1; number <= 3; ++number)
      world.sure(name_in_journal(tenant("bakery"), fmt::format("SM{}", number), "a", at(number * 10)));

    CHECK(world.sure(forget_journal(world.database(), at(30), 1)) == 1);
    CHECK(world.sure(forget_journal(world.database(), at(30), 10)) == 1);
    CHECK(world.sure(forget_journal(world.database(), at(30), 10)) == 0);
    CHECK(world.sure(forget_journal_names(world.database(), at(30), 1)) == 1);
    CHECK(world.sure(forget_journal_names(world.database(), at(30), 10)) == 1);

    CHECK(read(world, "a").entries == std::vector{entry("a", "a", 30, "young")});
    CHECK(read(world, "SM3").root == "a");
    CHECK(read(world, "SM1").root.empty());
  });
}

}  // namespace sluice::store
