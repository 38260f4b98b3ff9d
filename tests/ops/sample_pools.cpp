// A process with one pool of a test's own: answers every message with a draft. Called as the real programs are:
// `sample_pools up`, or `sample_pools worker POOL[,POOL...]`.
#include "common/config/read.hpp"
#include "common/process/signals.hpp"
#include "ops/process_output.hpp"
#include "ops/serve.hpp"
#include "ops/worker.hpp"

namespace {

using namespace sluice;

class Answering final : public engine::Handler {
 public:
  Task<engine::Outcome> handle(const event::Event& event, engine::Attempt& /*attempt*/) override {
    engine::Done done;
    const auto key = event::minted_conversation(std::get<event::InboundKey>(event.key));
    done.outputs.push_back({.to = "send",
                            .event = event::child_event(event, {.pool = "classify",
                                                                .kind = event::Known::reply_drafted,
                                                                .key = key,
                                                                .time = event.time,
                                                                .data = event::Json::Object{{"text", "hello"}}})});
    co_return engine::Outcome{std::move(done)};
  }
};

workers::PoolRegistry sample_pools() {
  workers::PoolRegistry pools;
  pools.add({.name = "classify", .make = [](const workers::PoolContext&) {
               return workers::PoolParts{.handler = std::make_unique<Answering>()};
             }});
  return pools;
}

}  // namespace

int main(int count, char** arguments) {
  prepare_process();
  ops::ProcessOutput output;
  const std::vector<std::string> words{arguments + 1, arguments + count};
  const auto pools = sample_pools();
  if (words.size() > 1 && words.front() == "worker")
    return static_cast<int>(ops::run_worker({words.begin() + 1, words.end()}, pools, output));
  const config::Sources sources{.environment = config::environment_of_this_process()};
  const auto reading = config::read_settings(sources, config::Program::up);
  return static_cast<int>(ops::serve(reading, {.pools = pools, .names = pools.names()}, output));
}
