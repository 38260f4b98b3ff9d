#include "common/telemetry/logger.hpp"

#include <array>
#include <atomic>
#include <condition_variable>
#include <thread>

#include <doctest/doctest.h>
#include <boost/json.hpp>

#include "tests/support/world.hpp"

using namespace sluice;

namespace {

const WallTime noon{std::chrono::sys_days{std::chrono::year{2026} / 3 / 1} + std::chrono::hours{12} +
                    std::chrono::milliseconds{7}};

std::string json(std::initializer_list<Field> fields, LoggerSettings bounds = {}) {
  return json_line(noon, Level::warn, "up", "it happened", {fields.begin(), fields.size()}, bounds);
}

// A sink that can be held, as a terminal that does not read.
struct HeldSink {
  std::mutex mutex;
  std::condition_variable changed;
  bool held = false;
  std::string lines;

  Logger::Sink sink() {
    return [this](std::string_view text) {
      std::unique_lock lock{mutex};
      changed.wait(lock, [this] { return !held; });
      lines += text;
    };
  }
  void hold(bool now) {
    {
      const std::lock_guard lock{mutex};
      held = now;
    }
    changed.notify_all();
  }
};

TEST_CASE("without a sink lines are counted all the same") {
  SimulatedWorld world;
  Logger logger{world.clock, "test", {}, {}};

  logger.error("something");
  logger.flush();

  CHECK(logger.lines_of(Level::error) == 1);
  CHECK(logger.dropped() == 0);
}

}  // namespace

TEST_CASE("a line is one JSON object with time level message and fields") {
  CHECK(
      json({{"pool", "send"}, {"attempt", 2}, {"late", true}, {"share", 0.5}}) ==
      R"({"time":"2026-03-01T12:00:00.007Z","level":"warn","message":"it happened","process":"up","pool":"send","attempt":2,"late":true,"share":0.5})");
}

TEST_CASE("foreign text cannot break a line") {
  const std::string line = json({{"text", std::string{"a\"b\\c\n\x01\x7F\xFF\xC3\xA9\xED\xA0\x80 \xF0\x9F\x9A\x97"}}});

  const auto parsed = boost::json::parse(line);
  CHECK(line.find('\n') == std::string::npos);
  CHECK(parsed.at("text").as_string() ==
        "a\"b\\c\n\x01\x7F\xEF\xBF\xBD\xC3\xA9\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD \xF0\x9F\x9A\x97");
}

TEST_CASE("a long field is cut on the edge of a character and a long line says that it was") {
  LoggerSettings bounds;
  bounds.field_bytes_max = 5;
  CHECK(boost::json::parse(json({{"text", "aaaa\xC3\xA9\xC3\xA9"}}, bounds)).at("text").as_string() == "aaaa\xC3\xA9…");

  bounds = {};
  bounds.line_bytes_max = 200;
  const std::string line = json({{"one", std::string(50, 'x')}, {"two", std::string(150, 'y')}}, bounds);
  CHECK(line.size() <= 200);
  CHECK(boost::json::parse(line).at("cut").as_bool());
  CHECK(boost::json::parse(line).as_object().contains("one"));
}

TEST_CASE("a terminal gets readable lines and no control characters") {
  const std::array<Field, 3> fields{Field{"pool", "send"}, Field{"why", "not now"}, Field{"raw", "\x1b[31m"}};

  CHECK(text_line(noon, Level::info, "up", "waiting", fields, {}) ==
        "12:00:00.007 info  up       waiting  pool=send  why=\"not now\"  raw=\"\\u001b[31m\"");
}

TEST_CASE("lines below the level are counted and not written") {
  SimulatedWorld world;
  HeldSink sink;
  Logger logger{world.clock, "test", {}, sink.sink()};

  logger.debug("quiet");
  logger.info("loud");
  logger.flush();
  CHECK(sink.lines.find("quiet") == std::string::npos);
  CHECK(sink.lines.find("loud") != std::string::npos);

  logger.set_level(Level::debug);
  logger.debug("quiet");
  logger.flush();
  CHECK(sink.lines.find("quiet") != std::string::npos);
  CHECK(logger.lines_of(Level::debug) == 2);
}

TEST_CASE("a sink that does not read costs lines and never time") {
  SimulatedWorld world;
  HeldSink sink;
  LoggerSettings settings;
  settings.queue_lines_max = 10;
  Logger logger{world.clock, "test", settings, sink.sink()};

  sink.hold(true);
  for (int i = 0; i < 1000; ++i) logger.info("line");
  CHECK(logger.dropped() >= 1000 - 2 * 10);
  sink.hold(false);
  logger.flush();

  const auto written = static_cast<std::uint64_t>(std::count(sink.lines.begin(), sink.lines.end(), '\n'));
  CHECK(written + logger.dropped() == 1000);
}

TEST_CASE("lines of many threads stay whole and those of one thread stay in order") {
  SimulatedWorld world;
  HeldSink sink;
  {
    Logger logger{world.clock, "test", {}, sink.sink()};
    std::vector<std::thread> threads;
    for (int thread = 0; thread < 4; ++thread) {
      threads.emplace_back([&logger, thread] {
        for (int i = 0; i < 500; ++i) logger.info("line", {{"thread", thread}, {"i", i}});
      });
    }
    for (auto& thread : threads) thread.join();
  }

  std::array<std::int64_t, 4> next{};
  std::size_t lines = 0;
  for (std::size_t at = 0; at < sink.lines.size(); ++lines) {
    const auto end = sink.lines.find('\n', at);
    const auto line = boost::json::parse(sink.lines.substr(at, end - at));
    CHECK(line.at("i").as_int64() == next[static_cast<std::size_t>(line.at("thread").as_int64())]++);
    at = end + 1;
  }
  CHECK(lines == 2000);
}
