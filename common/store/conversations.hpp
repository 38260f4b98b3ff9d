// What is true of a conversation, whatever lane its events run in: who is in charge and since which epoch, the number
// of its newest turn, when the person last wrote. Its key never changes; a younger conversation that turned out to be
// the same one is an alias, and everything that is asked or said of it is about the conversation that it leads to.
//
// All changes are made under the lock of the person (persons.hpp), as is the gate's last step.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/async/clock.hpp"
#include "common/async/task.hpp"
#include "common/base/result.hpp"
#include "common/db/database.hpp"
#include "common/event/conversation.hpp"
#include "common/event/ids.hpp"
#include "common/event/person.hpp"

namespace sluice::store {

enum class InCharge : std::uint8_t { bot, human };
std::string_view name_of(InCharge who);

struct Conversation {
  std::string key;  // its own: another than asked for when that one is an alias
  std::string person;
  InCharge in_charge = InCharge::bot;
  std::int64_t epoch = 0;        // raised each time somebody else is in charge
  std::int64_t newest_turn = 0;  // 0: no message yet
  std::optional<WallTime> last_inbound_at = {};

  bool operator==(const Conversation&) const = default;
};

Task<Result<std::optional<Conversation>>> find_conversation(db::Database& database, event::ConversationKey key);

// Made with the bot in charge at epoch 0. One that is there stays as it is.
Task<Result<Conversation>> find_or_make_conversation(db::Database& database, event::ConversationKey key,
                                                     event::PersonId person, WallTime now);

// The first statements of a batch that changes a conversation: they lock its person.
std::vector<db::Statement> lock_conversation(const event::ConversationKey& key);

// Gives the event its number among those that ask for an answer, one more than the newest; an event that has one keeps
// it, whenever it comes again. Also notes when the person wrote. Kind::not_found without the conversation.
struct Turn {
  std::int64_t number = 0;
  std::int64_t newest = 0;  // of the conversation, now

  bool operator==(const Turn&) const = default;
};
Task<Result<Turn>> give_turn(db::Database& database, event::ConversationKey key, event::EventId event, WallTime at);

// The batch locks the person and keeps the word, once per event. When it says something else than what holds, and is
// no older than the word before it, it holds from the commit on and the epoch is one higher. `why` is for people:
// "assigned", "label", "asked for".
struct HandOver {
  event::ConversationKey key;
  event::EventId event;
  InCharge to;
  std::string why;
  WallTime at{};  // of what the other side says that it happened
};
db::Batch hand_over_batch(const HandOver& hand_over, WallTime now);
Task<Result<Conversation>> hand_over(db::Database& database, HandOver hand_over, WallTime now);

// From now on `younger`, which need not be there yet, leads to `older`; both are of one tenant and of one person, who
// has been united before. The newest turn is the newer of both, so that no draft under either key passes for the
// newest; a human who was in charge of one is in charge. Aliases of `younger` follow. Doing it again changes nothing.
Task<Result<Conversation>> unite_conversations(db::Database& database, event::ConversationKey older,
                                               event::ConversationKey younger, WallTime now);

// Removes up to `limit` turns and words about hand-overs from before that moment, and answers how many. An event that
// comes again after that is taken for a new one, so it must be older than every record that could.
Task<Result<std::int64_t>> forget_turns(db::Database& database, WallTime before, std::int64_t limit);
Task<Result<std::int64_t>> forget_hand_overs(db::Database& database, WallTime before, std::int64_t limit);

}  // namespace sluice::store
