// What cannot be decoded or fails its checksum is dead at once, with its raw bytes.
#include "workers/engine/core.hpp"
#include "workers/engine/letter.hpp"

namespace sluice::engine {

Task<> EngineCore::bury_unreadable(PairPtr pair, Which which, log::Record record, Failure why) {
  const Acting acting{*pair};
  parts.logger.error(
      "a record cannot be read and becomes a dead letter",
      {{"pool", spec.name}, {"partition", pair->number}, {"offset", record.offset()}, {"why", why.sentence}});
  const Letter facts{.pool = spec.name,
                     .owner = parts.owner,
                     .from = side(*pair, which).partition,
                     .event = nullptr,
                     .why = std::move(why),
                     .code = {},
                     .tries = 1,
                     .now = parts.clock.wall()};
  Finish burial;
  burial.which = which;
  burial.offsets.push_back(record.offset());
  burial.outputs.push_back(dead_letter(topics.dead, spec.partitions, record, facts));
  burial.buries = true;
  Finished finished = Finished::overtaken;  // also when it may have been written: again, then, under the same id
  while (finished == Finished::overtaken) finished = co_await finish(pair, burial);
}

}  // namespace sluice::engine
