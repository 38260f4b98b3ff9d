// sluice-worker as its users meet it, and a pool that works inside a serving process.
#include <csignal>
#include <filesystem>

#include <doctest/doctest.h>
#include <fmt/format.h>
#include <httplib.h>
#include <boost/json.hpp>

#include "common/async/clock_real.hpp"
#include "common/db/sqlite_file.hpp"
#include "common/event/event.hpp"
#include "common/event/partition.hpp"
#include "common/event/pools.hpp"
#include "common/log/sqlite_log.hpp"
#include "common/process/data_folder.hpp"
#include "tests/support/folder.hpp"
#include "tests/support/process.hpp"
#include "tests/support/run.hpp"

using namespace sluice;

namespace {

// The log of a folder that nobody serves.
struct LogOf {
  Loop loop;
  RealClock clock{loop};
  DataFolder folder;
  std::unique_ptr<db::SqliteFile> file;
  std::unique_ptr<log::SqliteLog> log;

  explicit LogOf(const std::filesystem::path& path)
      : folder(DataFolder::open(path).value()),
        file(db::SqliteFile::open(folder.database_file()).value()),
        log(log::SqliteLog::open(*file, loop, clock).value()) {}
  ~LogOf() {
    run_task(loop, log->close());
    file->close();
  }
  LogOf(const LogOf&) = delete;
  LogOf& operator=(const LogOf&) = delete;
};

event::Event a_message(int n) {
  const event::OurAddress ours{event::Address::parse("whatsapp:+31201234567").value()};
  const event::TheirAddress theirs{event::Address::parse(fmt::format("whatsapp:+3161234567{}", n)).value()};
  return event::root_event({.source = event::Source::twilio,
                            .account = "AC1",
                            .provider_id = event::message_id(fmt::format("SM{}", n)),
                            .kind = event::Known::message_received,
                            .key = event::InboundKey{event::Tenant::standard(), ours, theirs},
                            .time = event::Time{std::chrono::milliseconds{1'790'000'000'000}},
                            .data = event::Json::Object{{"body", "hi"}}});
}

void append_messages(const std::filesystem::path& data, int count) {
  LogOf its{data};
  const auto topic = event::main_topic_of("sluice", "classify");
  REQUIRE(run_task(its.loop, its.log->create_topics({{.name = topic}})).has_value());
  std::vector<log::Outgoing> records;
  for (int n = 0; n < count; ++n) {
    auto encoded = event::encode(a_message(n)).value();
    const auto partition = event::partition_of(encoded.key, event::partitions_per_topic);
    records.push_back({.topic = topic,
                       .partition = partition,
                       .key = std::move(encoded.key),
                       .value = std::move(encoded.value),
                       .headers = std::move(encoded.headers)});
  }
  run_task(its.loop, its.log->append(std::move(records))).value();
}

std::size_t drafts(const std::filesystem::path& data) {
  LogOf its{data};
  std::size_t count = 0;
  for (std::int32_t number = 0; number < event::partitions_per_topic; ++number)
    count += run_task(its.loop, its.log->read({event::main_topic_of("sluice", "send"), number}, 0, {})).value().size();
  return count;
}

Ended worker(std::vector<std::string> arguments, std::map<std::string, std::string> environment = {}) {
  return run_process(
      {.program = WORKER_PROGRAM, .arguments = std::move(arguments), .environment = std::move(environment)});
}

}  // namespace

TEST_CASE("a worker that is given no pool or an unknown one says which there are") {
  const auto none = worker({});
  const auto unknown = worker({"clasify"});

  CHECK(none.code == 64);
  CHECK(none.err == "sluice-worker: name the pools: sluice-worker POOL[,POOL...]\n");
  CHECK(unknown.code == 64);
  CHECK(unknown.err.starts_with("sluice-worker: there is no pool 'clasify', "));
  CHECK(std::ranges::count(unknown.err, '\n') == 1);
  CHECK(worker({"--help"}).code == 0);
  CHECK(worker({"--version"}).out.starts_with("0."));
}

TEST_CASE("a worker with pools lists them and needs Kafka and PostgreSQL") {
  const auto run = [](const std::string& pools) {
    return run_process({.program = SAMPLE_PROGRAM, .arguments = {"worker", pools}});
  };

  CHECK(run("classify,send").err == "sluice-worker: there is no pool 'send', allowed are classify\n");
  CHECK(run("classify,classify").err == "sluice-worker: the pool classify is named twice\n");
  CHECK(run("classify,").code == 64);
  const auto alone = run("classify");
  CHECK(alone.code == 78);
  CHECK(alone.err.find("KAFKA_BROKERS") != std::string::npos);
}

TEST_CASE("a pool works inside a serving process and its figures stand in the status") {
  const TempFolder temp;
  const auto data = temp / "data";
  append_messages(data, 5);
  const std::map<std::string, std::string> environment{{"SLUICE_DATA_DIR", data.string()},
                                                       {"SLUICE_PRIVATE_PORT", "0"}};
  Process process{{.program = SAMPLE_PROGRAM, .arguments = {"up"}, .environment = environment}};
  const std::string wanted = "\"private_port\":";
  const auto line = process.wait_for_output(wanted);
  REQUIRE_MESSAGE(!line.empty(), process.err());
  httplib::Client client{"127.0.0.1", std::stoi(line.substr(wanted.size()))};

  std::string metrics;
  for (int looks = 0; looks < 60 && metrics.find("finished_total{pool=\"classify\"} 5") == std::string::npos; ++looks) {
    const auto answer = client.Get("/metrics");
    if (answer) metrics = answer->body;
    process.wait_for_output("never said", std::chrono::seconds{1});
  }
  const auto status =
      run_process({.program = SLUICE_PROGRAM, .arguments = {"status", "--json"}, .environment = environment});

  CHECK(metrics.find("sluice_engine_finished_total{pool=\"classify\"} 5") != std::string::npos);
  REQUIRE_MESSAGE(status.code == 0, status.err);
  const auto engine = boost::json::parse(status.out).at("engines").at("classify");
  CHECK(engine.at("finished").to_number<int>() == 5);
  CHECK(engine.at("fit").as_bool());
  process.signal(SIGTERM);
  CHECK(process.wait() == 0);
  CHECK(process.out().find("\"limits\"") != std::string::npos);
  CHECK(drafts(data) == 5);
}
