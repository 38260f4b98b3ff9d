// What librdkafka's error codes mean to us, decided once.
#pragma once

#include <string>
#include <string_view>

#include <librdkafka/rdkafka.h>

#include "common/base/result.hpp"

namespace sluice::log {

// Of an operation that certainly had no effect.
Failure kafka_failure(rd_kafka_resp_err_t error, std::string_view what);

// Of a record: what the library knows about its fate decides between not written and maybe written.
Failure kafka_record_failure(rd_kafka_resp_err_t error, rd_kafka_msg_status_t status);

// Of a commit. It may have been stored when the answer was lost.
Failure kafka_commit_failure(rd_kafka_resp_err_t error);

// True when the same question asked a little later may well be answered: a coordinator or leader is just moving.
bool kafka_passes_soon(rd_kafka_resp_err_t error);

}  // namespace sluice::log
