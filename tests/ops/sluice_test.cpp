// The sluice command as its users meet it: a real process, a real folder, a real socket, a real port.
#include <csignal>
#include <filesystem>
#include <fstream>
#include <regex>
#include <sstream>

#include <doctest/doctest.h>
#include <fmt/format.h>
#include <httplib.h>
#include <boost/json.hpp>

#include "tests/support/folder.hpp"
#include "tests/support/process.hpp"

using namespace sluice;

namespace {

using Environment = std::map<std::string, std::string>;

Process::Start sluice_in(const TempFolder& temp, std::vector<std::string> arguments, Environment more = {}) {
  Environment environment{{"SLUICE_DATA_DIR", (temp / "data").string()}, {"SLUICE_PRIVATE_PORT", "0"}};
  for (auto& [name, value] : more) environment[name] = value;
  return {.program = SLUICE_PROGRAM,
          .arguments = std::move(arguments),
          .environment = std::move(environment),
          .folder = temp.path().string()};
}

Ended run(const TempFolder& temp, std::vector<std::string> arguments, Environment more = {}) {
  return run_process(sluice_in(temp, std::move(arguments), std::move(more)));
}

int port_of(const std::string& listening) {
  return static_cast<int>(
      boost::json::parse(listening.substr(0, listening.find('\n'))).at("private_port").to_number<std::int64_t>());
}

// A serving process that has said where it listens.
struct Served {
  TempFolder temp;
  Process process;
  int port = 0;

  explicit Served(Environment more = {}) : process(sluice_in(temp, {"up"}, std::move(more))) {
    const std::string line = process.wait_for_output("\"listening\"");
    REQUIRE_MESSAGE(!line.empty(), process.err());
    const std::string all = process.out();
    port = port_of(all.substr(all.rfind('\n', all.find("\"listening\"")) + 1));
  }
};

int get(int port, const std::string& path) {
  httplib::Client client{"127.0.0.1", port};
  const auto answer = client.Get(path);
  return answer ? answer->status : 0;
}

// What differs from run to run is one word each, so that the rest can be compared.
std::string settled(std::string text) {
  text = std::regex_replace(text, std::regex{R"(0\.1\.0(\+[0-9a-f]+)?)"}, "VERSION");
  text = std::regex_replace(text, std::regex{R"(schema \d+)"}, "schema N");
  return std::regex_replace(text, std::regex{R"(process \d+)"}, "process PID");
}

void check_golden(const std::string& name, const std::string& text) {
  std::ifstream file{std::string{GOLDEN_FOLDER} + "/" + name};
  std::stringstream expected;
  expected << file.rdbuf();
  CHECK_MESSAGE(settled(text) == expected.str(), name << " is not what it was:\n" << settled(text));
}

}  // namespace

TEST_CASE("up serves an empty folder and drains at SIGTERM") {
  Served served;

  CHECK(get(served.port, "/livez") == 200);
  CHECK(get(served.port, "/readyz") == 200);
  CHECK(get(served.port, "/metrics") == 200);
  served.process.signal(SIGTERM);
  CHECK(served.process.wait() == 0);
  CHECK(served.process.out().find("\"stopped\"") != std::string::npos);
  CHECK(served.process.err().empty());
}

TEST_CASE("a second serving process is refused and told who serves") {
  Served served;

  const Ended second =
      run_process({.program = SLUICE_PROGRAM,
                   .arguments = {"up"},
                   .environment = {{"SLUICE_DATA_DIR", (served.temp / "data").string()}, {"SLUICE_PRIVATE_PORT", "0"}},
                   .folder = served.temp.path().string()});

  CHECK(second.code == 75);
  CHECK(second.err.find(fmt::format("in use by process {} (serving)", served.process.pid())) != std::string::npos);
  CHECK(get(served.port, "/readyz") == 200);
}

TEST_CASE("commands work through the serving process and without it alike") {
  Served served;
  const auto with = run(served.temp, {"topics", "list"});
  const auto status_with = run(served.temp, {"status"});
  served.process.signal(SIGINT);
  REQUIRE(served.process.wait() == 0);

  const auto without = run(served.temp, {"topics", "list"});
  const auto status_without = run(served.temp, {"status"});

  CHECK(with.code == 0);
  CHECK(without.code == 0);
  CHECK(with.out == without.out);
  check_golden("topics-list.txt", with.out);
  check_golden("status-served.txt", status_with.out);
  check_golden("status-alone.txt", status_without.out);
}

TEST_CASE("commands prepare an empty folder before anybody serves") {
  const TempFolder temp;

  CHECK(run(temp, {"migrate", "--status"}).code == 1);
  CHECK(run(temp, {"migrate"}).code == 0);
  CHECK(run(temp, {"migrate", "--status"}).code == 0);
  CHECK(run(temp, {"topics", "create"}).out == "12 topics with 32 partitions each are there\n");
  CHECK(run(temp, {"topics", "create"}).code == 0);
  const auto lines = run(temp, {"topics", "list", "--json"});
  CHECK(std::count(lines.out.begin(), lines.out.end(), '\n') == 12);
  CHECK(boost::json::parse(lines.out.substr(0, lines.out.find('\n'))).at("partitions").to_number<int>() == 32);
}

TEST_CASE("what was served is there after a kill") {
  TempFolder temp;
  {
    Process first{sluice_in(temp, {"up"})};
    REQUIRE(!first.wait_for_output("\"listening\"").empty());
    first.signal(SIGKILL);
    CHECK(first.wait() == 128 + SIGKILL);
  }

  Process second{sluice_in(temp, {"up"})};

  CHECK(!second.wait_for_output("\"listening\"").empty());
  CHECK(run(temp, {"status"}).code == 0);
  second.signal(SIGTERM);
  CHECK(second.wait() == 0);
}

TEST_CASE("all wrong settings are told at once with the code for it") {
  const TempFolder temp;

  const auto ended = run(temp, {"up"}, {{"PORT", "x"}, {"SLUICE_WONDER", "1"}, {"KAFKA_BROKERS", "b:1"}});

  CHECK(ended.code == 78);
  CHECK(ended.err.find("sluice: PORT: found \"x\"") != std::string::npos);
  CHECK(ended.err.find("sluice: SLUICE_WONDER: no such setting") != std::string::npos);
  CHECK(ended.err.find("sluice: DATABASE_URL: not set while KAFKA_BROKERS is") != std::string::npos);
  CHECK(ended.out.empty());
}

TEST_CASE("wrong usage is told in a line and help reads well") {
  const TempFolder temp;

  const auto wrong = run(temp, {"topics", "drop"});
  CHECK(wrong.code == 64);
  CHECK(wrong.err.starts_with("sluice: "));
  CHECK(std::count(wrong.err.begin(), wrong.err.end(), '\n') == 1);
  CHECK(run(temp, {"nonsense"}).err ==
        "sluice: found nonsense, allowed are up, web, status, topics, migrate, settings; see sluice --help\n");
  CHECK(run(temp, {"--version"}).code == 0);
  check_golden("help.txt", run(temp, {"--help"}).out);
  CHECK(run(temp, {"settings"}).out.find("SLUICE_PRIVATE_PORT=0 (environment)") != std::string::npos);
}

TEST_CASE("a damaged file stops the start with a sentence that says how to go on") {
  const TempFolder temp;
  REQUIRE(run(temp, {"migrate"}).code == 0);
  for (const auto& entry : std::filesystem::directory_iterator{temp / "data"}) {
    if (entry.path().filename() == "sluice.db")
      std::ofstream{entry.path(), std::ios::in | std::ios::out}.write("no database at all", 18);
  }

  const auto ended = run(temp, {"up"});

  CHECK(ended.code == 74);
  CHECK(ended.err.find("sluice restore") != std::string::npos);
}

TEST_CASE("a taken private port stops the start and names the setting") {
  Served served;
  const TempFolder temp;

  const auto ended = run(temp, {"up"}, {{"SLUICE_PRIVATE_PORT", std::to_string(served.port)}});

  CHECK(ended.code == 77);
  CHECK(ended.err.find("SLUICE_PRIVATE_PORT: cannot listen") != std::string::npos);
}

TEST_CASE("no secret that is set appears in what a process says") {
  Served served{{{"SLUICE_API_TOKEN", "canary-token-1"},
                 {"SLUICE_OPS_TOKEN", "canary-token-2"},
                 {"SLUICE_QUARANTINE_KEY", "canary-token-3"}}};
  served.process.signal(SIGTERM);
  REQUIRE(served.process.wait() == 0);

  CHECK(served.process.out().find("SLUICE_API_TOKEN") != std::string::npos);
  CHECK(served.process.out().find("canary") == std::string::npos);
  CHECK(served.process.err().find("canary") == std::string::npos);
}
