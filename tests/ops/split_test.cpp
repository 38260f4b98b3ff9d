// The same command in the other world: a real Kafka and a real PostgreSQL.
#include <csignal>
#include <cstdlib>

#include <doctest/doctest.h>
#include <fmt/format.h>
#include <httplib.h>
#include <unistd.h>

#include "tests/support/folder.hpp"
#include "tests/support/process.hpp"

using namespace sluice;

namespace {

std::string needed(const char* name) {
  const char* value = std::getenv(name);
  REQUIRE_MESSAGE(value != nullptr, name << " is not set: scripts/test starts Kafka and PostgreSQL and sets it");
  return value;
}

std::map<std::string, std::string> split_world(const TempFolder& /*temp*/) {
  return {{"KAFKA_BROKERS", needed("TEST_KAFKA_SINGLE")},
          {"DATABASE_URL", needed("TEST_POSTGRES")},
          {"KAFKA_TOPIC_PREFIX", fmt::format("ops{}", ::getpid())},
          {"SLUICE_PRIVATE_PORT", "0"}};
}

}  // namespace

TEST_CASE("up serves on Kafka and PostgreSQL and drains") {
  const TempFolder temp;
  Process process{{.program = SLUICE_PROGRAM,
                   .arguments = {"up"},
                   .environment = split_world(temp),
                   .folder = temp.path().string()}};
  const std::string line = process.wait_for_output("\"private_port\":");
  REQUIRE_MESSAGE(!line.empty(), process.err());
  httplib::Client client{"127.0.0.1", std::stoi(line.substr(15))};

  const auto ready = client.Get("/readyz");
  REQUIRE(ready);
  CHECK_MESSAGE(ready->status == 200, ready->body);
  const auto status = run_process({.program = SLUICE_PROGRAM,
                                   .arguments = {"status"},
                                   .environment = split_world(temp),
                                   .folder = temp.path().string()});
  CHECK(status.code == 0);
  CHECK(status.out.find("Kafka and PostgreSQL") != std::string::npos);
  process.signal(SIGTERM);
  CHECK(process.wait() == 0);
  CHECK_FALSE(std::filesystem::exists(temp / "data"));  // the split form has no data folder unless one is named
}

TEST_CASE("processes that start together prepare once") {
  const TempFolder temp;
  std::vector<std::unique_ptr<Process>> processes;
  for (int i = 0; i < 5; ++i) {
    for (const std::vector<std::string>& arguments : {std::vector<std::string>{"migrate"}, {"topics", "create"}}) {
      processes.push_back(std::make_unique<Process>(Process::Start{.program = SLUICE_PROGRAM,
                                                                   .arguments = arguments,
                                                                   .environment = split_world(temp),
                                                                   .folder = temp.path().string()}));
    }
  }

  for (auto& process : processes) {
    const int code = process->wait();
    CHECK_MESSAGE(code == 0, process->err());
  }
}

TEST_CASE("a Kafka that is away is said as such") {
  const TempFolder temp;
  auto environment = split_world(temp);
  environment["KAFKA_BROKERS"] = "127.0.0.1:1";

  const auto ended = run_process({.program = SLUICE_PROGRAM,
                                  .arguments = {"topics", "list"},
                                  .environment = environment,
                                  .folder = temp.path().string()});

  CHECK(ended.code == 69);
  CHECK(std::count(ended.err.begin(), ended.err.end(), '\n') >= 1);
  CHECK(ended.err.find("sluice: ") != std::string::npos);
}
