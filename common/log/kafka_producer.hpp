// The idempotent producer of a log, with the one thread on which the broker's acknowledgements arrive.
//
// Records go straight to the library on the caller's thread, so order across calls is the library's. In front of it
// stand our bounds, and the room where appends wait whose topic has not been seen yet (producing to a topic that does
// not exist would fail only after the whole append_wait_max) or whose partition is still being opened (KafkaGate).
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "common/async/clock.hpp"
#include "common/async/guarded.hpp"
#include "common/async/thread.hpp"
#include "common/log/kafka_append.hpp"
#include "common/log/kafka_client.hpp"

namespace sluice::log {

class KafkaProducer {
 public:
  // Begins at once to connect and to get its producer id, so that the first append doesn't pay for it.
  static Result<std::unique_ptr<KafkaProducer>> start(const KafkaSettings& settings, const KafkaVoice& voice,
                                                      const Clock& clock);
  KafkaProducer(const KafkaSettings& settings, const KafkaVoice& voice, const Clock& clock, KafkaClient client);
  KafkaProducer(const KafkaProducer&) = delete;
  KafkaProducer& operator=(const KafkaProducer&) = delete;
  ~KafkaProducer();  // without stop(): what was not acknowledged is answered as maybe written

  // From any loop's thread, never blocks. A failure here means that nothing was written and `reply` stays unused.
  // Otherwise it gets its answer within append_wait_max.
  Done append(std::vector<Outgoing> records, std::shared_ptr<Reply<Appended>> reply);

  // Takes nothing more, waits until everything is answered, and ends. Blocks. May be called twice.
  void stop();

  // Ends the idempotent session as a broker would that no longer knows it; for tests.
  void break_session();

 private:
  enum class Mode { running, rebuilding, stopping, vanishing, ended };
  struct Route {
    KafkaTopicHandle handle;
    std::int32_t partitions = 0;
  };
  struct State {
    Mode mode = Mode::running;
    bool wanted = false;  // somebody asked while there was no client
    KafkaClient client;
    std::unordered_map<std::string, Route> routes;                 // handles of `client`
    std::unordered_map<std::string, std::deque<KafkaGate>> gates;  // of `client`, by topic; their addresses stay
    KafkaAppends waiting;     // for their topics or gates, in the order of their calls
    KafkaAppends pending;     // with the library
    KafkaAppends overdue;     // answered, but still with the library
    std::size_t records = 0;  // of all three
    std::size_t bytes = 0;

    [[nodiscard]] const Route* route(const Outgoing& record) const;
    [[nodiscard]] bool may_pass(const KafkaAppend& append) const;  // its topics are known, and nobody waits for them
    void forget_routes(const KafkaAppend& append);
    KafkaGate& gate(const Outgoing& record);
    static void move(KafkaAppend& append, KafkaAppends& to, KafkaAppends::iterator before);
  };
  struct Pending {
    bool waiting = false;  // for their topics or gates
    bool overdue = false;
  };
  using Answers = std::vector<std::pair<std::shared_ptr<Reply<Appended>>, Appended>>;
  using Asked = std::unordered_map<std::string, Result<std::int32_t>>;

  Done check_open(State& state) const;
  [[nodiscard]] Done check_room(const State& state, const KafkaAppend& append) const;
  [[nodiscard]] Done hand_over(State& state, KafkaAppend& append) const;
  static void take_out(State& state, KafkaAppend& append, KafkaAppends& to);
  static void forget(State& state, KafkaAppend& append);
  static void wake(State& state);

  // On the thread.
  void run();
  bool serve();  // one turn; false at the end
  static void delivered(rd_kafka_t* client, const rd_kafka_message_t* message, void* voice);
  Pending settle();
  void answer_overdue();
  static Appended maybe_written();
  static void open_gate(const KafkaAppend::Report& report, Instant now);
  static void give(Answers answers);
  void look_up_topics();
  void admit(State& state, const Asked& asked, Answers& answers);
  [[nodiscard]] std::optional<Failure> absent(const State& state, const Asked& asked, const KafkaAppend& append) const;
  void give_up_session();
  void drop_client();
  void begin_again();
  void end();

  const KafkaSettings& settings_;
  const KafkaVoice& voice_;
  const Clock& clock_;
  Guarded<State> state_;
  std::vector<KafkaAppend::Report> reports_;  // of the current turn, on the thread
  Thread thread_;
};

}  // namespace sluice::log
