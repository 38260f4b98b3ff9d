#include "common/process/private_listener.hpp"

#include <atomic>
#include <thread>

#include <fmt/format.h>
#include <httplib.h>

namespace sluice {
namespace {

void answer(httplib::Response& response, bool good, const std::string& body, const char* type) {
  response.status = good ? 200 : 503;
  response.set_header("Cache-Control", "no-store");
  response.set_content(body, type);
}

}  // namespace

struct PrivateListener::Server {
  httplib::Server http;
  int port = 0;
  std::thread thread;
  std::atomic<bool> over{false};  // the thread has ended

  void route(const Readiness& readiness, const Metrics& metrics) {
    http.Get("/livez", [&](const httplib::Request&, httplib::Response& response) {
      answer(response, readiness.alive(), readiness.alive() ? "alive\n" : "the loop has not turned for 5 s\n",
             "text/plain");
    });
    for (const char* path : {"/readyz", "/health", "/api/health"}) {
      http.Get(path, [&](const httplib::Request&, httplib::Response& response) {
        answer(response, readiness.ready(), readiness.parts(), "application/json");
      });
    }
    http.Get("/metrics", [&](const httplib::Request&, httplib::Response& response) {
      answer(response, true, metrics.exposition(), "text/plain; version=0.0.4; charset=utf-8");
    });
  }

  // This library's habits that must be turned off: exception texts in headers, bodies without a bound, idle callers for
  // ever.
  void tame() {
    http.set_exception_handler(
        [](const httplib::Request&, httplib::Response& response, std::exception_ptr) { response.status = 500; });
    http.set_payload_max_length(std::size_t{1} << 20U);
    http.set_keep_alive_max_count(100);
    http.set_keep_alive_timeout(2);
    http.set_read_timeout(5);
    http.set_write_timeout(5);
    // Its default shares the port with whoever has it already; a taken port must be an answer.
    http.set_socket_options([](socket_t socket) {
      const int on = 1;
      ::setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    });
    constexpr std::size_t threads = 4;
    http.new_task_queue = [] { return new httplib::ThreadPool(threads); };
  }
};

PrivateListener::PrivateListener(std::unique_ptr<Server> server) : server_(std::move(server)) {}

PrivateListener::~PrivateListener() {
  server_->http.stop();
  server_->thread.join();
}

std::uint16_t PrivateListener::port() const {
  return static_cast<std::uint16_t>(server_->port);
}

Result<std::unique_ptr<PrivateListener>> PrivateListener::listen(const std::string& address, std::uint16_t port,
                                                                 const Readiness& readiness, const Metrics& metrics) {
  auto server = std::make_unique<Server>();
  server->tame();
  server->route(readiness, metrics);
  if (port == 0) {
    server->port = server->http.bind_to_any_port(address);
  } else {
    server->port = server->http.bind_to_port(address, port) ? port : -1;
  }
  if (server->port <= 0) {
    return fail(Kind::denied, fmt::format("SLUICE_PRIVATE_PORT: cannot listen on {}:{}: it is taken or not allowed; "
                                          "set another, or 0 for any free one",
                                          address, port));
  }
  auto* place = server.get();
  server->thread = std::thread{[place] {
    place->http.listen_after_bind();
    place->over = true;
  }};
  // A stop() that came before it runs would do nothing, and the end would wait for ever.
  while (!place->http.is_running() && !place->over) std::this_thread::yield();
  return std::unique_ptr<PrivateListener>{new PrivateListener{std::move(server)}};
}

}  // namespace sluice
