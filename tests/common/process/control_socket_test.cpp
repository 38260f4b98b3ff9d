#include "common/process/control_socket.hpp"

#include <optional>
#include <thread>

#include <doctest/doctest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "common/async/clock_real.hpp"
#include "tests/support/folder.hpp"
#include "tests/support/run.hpp"

using namespace sluice;

namespace {

struct Kept final : Output {
  std::string told;
  void out(std::string_view text) override { told += text; }
  void err(std::string_view text) override { told += "!" + std::string{text}; }
};

Task<int> echo(std::vector<std::string> arguments, Output& output) {
  for (const auto& argument : arguments) output.out(argument + "\n");
  output.err("end");
  co_return 7;
}

// The loop serves in this thread while `caller` talks to it from another, as a command in its own process would.
void serve_while(const TempFolder& temp, ControlSocket::Handler handler, const std::function<void()>& caller) {
  Loop loop;
  auto socket = ControlSocket::listen(loop, temp / "s", std::move(handler));
  REQUIRE(socket);
  std::thread thread{[&] {
    caller();
    loop.post([&] { loop.stop(); });
  }};
  loop.hold();
  loop.run();
  thread.join();
  run_task(loop, (*socket)->close());
}

std::string raw(const std::filesystem::path& path, std::string_view sent) {
  const int descriptor = ::socket(AF_UNIX, SOCK_STREAM, 0);
  REQUIRE(descriptor >= 0);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path.string().copy(address.sun_path, sizeof address.sun_path - 1);
  if (::connect(descriptor, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) return "not connected";
  [[maybe_unused]] const auto written = ::send(descriptor, sent.data(), sent.size(), MSG_NOSIGNAL);
  ::shutdown(descriptor, SHUT_WR);
  std::string received;
  char buffer[4096];
  for (ssize_t n = 0; (n = ::read(descriptor, buffer, sizeof buffer)) > 0;)
    received.append(buffer, static_cast<std::size_t>(n));
  ::close(descriptor);
  return received;
}

}  // namespace

TEST_CASE("a command reaches the serving process and gets its output and exit code") {
  const TempFolder temp;
  Kept kept;
  std::optional<Result<int>> code;

  serve_while(temp, echo, [&] { code = ask_serving_process(temp / "s", {"topics", "with \"quotes\"\n", ""}, kept); });

  REQUIRE(*code);
  CHECK(**code == 7);
  CHECK(kept.told == "topics\nwith \"quotes\"\n\n\n!end");
}

TEST_CASE("the socket is for its owner alone and goes with its process") {
  const TempFolder temp;

  serve_while(temp, echo, [&] {
    struct stat found{};
    CHECK(::stat((temp / "s").c_str(), &found) == 0);
    CHECK((found.st_mode & 0777U) == 0600U);
  });

  CHECK_FALSE(std::filesystem::exists(temp / "s"));
}

TEST_CASE("nobody listening is said as such") {
  const TempFolder temp;
  Kept kept;

  const auto code = ask_serving_process(temp / "s", {"status"}, kept);

  REQUIRE_FALSE(code);
  CHECK(code.error().kind == Kind::unavailable);
}

TEST_CASE("a dead process's socket is replaced") {
  const TempFolder temp;
  const int descriptor = ::socket(AF_UNIX, SOCK_STREAM, 0);
  REQUIRE(descriptor >= 0);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  (temp / "s").string().copy(address.sun_path, sizeof address.sun_path - 1);
  REQUIRE(::bind(descriptor, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
  ::close(descriptor);
  Kept kept;
  std::optional<Result<int>> code;

  serve_while(temp, echo, [&] { code = ask_serving_process(temp / "s", {"a"}, kept); });

  REQUIRE(*code);
  CHECK(**code == 7);
}

TEST_CASE("garbage on the socket is answered and the next caller is served") {
  const TempFolder temp;

  serve_while(temp, echo, [&] {
    CHECK(raw(temp / "s", "hello\n").find("{\"exit\":64}") != std::string::npos);
    CHECK(raw(temp / "s", "{\"a\":1}\n").find("{\"exit\":64}") != std::string::npos);
    CHECK(raw(temp / "s", "[1]\n").find("{\"exit\":64}") != std::string::npos);
    CHECK(raw(temp / "s", std::string(2 * ControlSocket::request_bytes_max, 'x')).empty());
    CHECK(raw(temp / "s", "").empty());
    CHECK(raw(temp / "s", "[\"a\"]\n").find("{\"exit\":7}") != std::string::npos);
  });
}

TEST_CASE("a process that goes away in the middle leaves the outcome open") {
  const TempFolder temp;
  Kept kept;
  std::optional<Result<int>> code;
  Loop loop;
  auto clock = std::make_unique<RealClock>(loop);
  const auto forever = [&](std::vector<std::string>, Output&) -> Task<int> {
    return [](Clock& time, Loop& its) -> Task<int> {
      its.stop();
      co_await time.sleep_for(std::chrono::hours{1});
      co_return 0;
    }(*clock, loop);
  };
  auto socket = ControlSocket::listen(loop, temp / "s", forever);
  REQUIRE(socket);
  std::thread thread{[&] { code = ask_serving_process(temp / "s", {"a"}, kept); }};
  loop.hold();
  loop.run();

  run_task(loop, (*socket)->close());
  thread.join();

  REQUIRE_FALSE(*code);
  CHECK((*code).error().kind == Kind::maybe_done);
}

TEST_CASE("a path that no socket can have is refused with its length") {
  Loop loop;

  const auto socket = ControlSocket::listen(loop, std::string(150, 'p'), echo);

  REQUIRE_FALSE(socket);
  CHECK(socket.error().sentence.find("has 150 bytes, allowed are 107") != std::string::npos);
}
