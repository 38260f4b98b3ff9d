#include "common/process/control_socket.hpp"

#include <fmt/format.h>
#include <sys/stat.h>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/write.hpp>
#include <boost/json.hpp>

#include "common/async/scope.hpp"

namespace sluice {
namespace {

namespace asio = boost::asio;
using Protocol = asio::local::stream_protocol;
using Socket = asio::basic_stream_socket<Protocol, Executor>;
using Acceptor = asio::basic_socket_acceptor<Protocol, Executor>;

// Collects lines while the command runs; they leave in the order of the calls.
class SocketOutput final : public Output {
 public:
  void out(std::string_view text) override { add("out", text); }
  void err(std::string_view text) override { add("err", text); }
  void add_exit(int code) { lines_ += boost::json::serialize(boost::json::object{{"exit", code}}) + "\n"; }
  [[nodiscard]] std::string take() { return std::exchange(lines_, {}); }

 private:
  void add(std::string_view which, std::string_view text) {
    lines_ += boost::json::serialize(boost::json::object{{which, text}}) + "\n";
  }
  std::string lines_;
};

std::optional<std::vector<std::string>> arguments_of(std::string_view line) {
  boost::system::error_code failed;
  const auto value = boost::json::parse(line, failed);
  if (failed || !value.is_array()) return std::nullopt;
  std::vector<std::string> arguments;
  for (const auto& argument : value.get_array()) {
    if (!argument.is_string()) return std::nullopt;
    arguments.emplace_back(argument.get_string());
  }
  return arguments;
}

constexpr auto as_result = asio::as_tuple(asio::use_awaitable_t<Executor>{});

Task<> serve(std::shared_ptr<Socket> socket, const ControlSocket::Handler& handler) {
  std::string request;
  auto [failed, length] = co_await asio::async_read_until(
      *socket, asio::dynamic_buffer(request, ControlSocket::request_bytes_max), '\n', as_result);
  if (failed) co_return;
  const auto arguments = arguments_of(std::string_view{request}.substr(0, length));
  SocketOutput output;
  int code = 64;
  if (arguments) {
    code = co_await handler(*arguments, output);
  } else {
    output.err("the request is not one JSON line of texts\n");
  }
  output.add_exit(code);
  const std::string answer = output.take();
  [[maybe_unused]] auto [lost, written] = co_await asio::async_write(*socket, asio::buffer(answer), as_result);
}

}  // namespace

struct ControlSocket::Listening {
  Listening(Loop& loop, Handler given) : acceptor(loop.executor()), handler(std::move(given)), callers(loop) {}

  Task<> accept() {
    while (true) {
      auto socket = std::make_shared<Socket>(acceptor.get_executor());
      auto [failed] = co_await acceptor.async_accept(*socket, as_result);
      if (failed == asio::error::operation_aborted || !acceptor.is_open()) co_return;
      if (!failed && callers.size() <= callers_max) callers.start(serve(std::move(socket), handler));
    }
  }

  std::filesystem::path path;
  Acceptor acceptor;
  Handler handler;
  Scope callers;
};

ControlSocket::ControlSocket(std::unique_ptr<Listening> listening) : listening_(std::move(listening)) {}
ControlSocket::~ControlSocket() = default;

Result<std::unique_ptr<ControlSocket>> ControlSocket::listen(Loop& loop, const std::filesystem::path& path,
                                                             Handler handler) {
  constexpr std::size_t path_bytes_max = 107;  // of sockaddr_un
  if (path.string().size() > path_bytes_max) {
    return fail(
        Kind::invalid,
        fmt::format("SLUICE_DATA_DIR: the path of the socket has {} bytes, allowed are {}: choose a shorter folder",
                    path.string().size(), path_bytes_max));
  }
  auto listening = std::make_unique<Listening>(loop, std::move(handler));
  listening->path = path;
  boost::system::error_code failed;
  std::error_code ignored;
  std::filesystem::remove(path, ignored);
  const mode_t before = ::umask(0177);  // the socket is never, not even for an instant, open to others
  listening->acceptor.open(Protocol{}, failed);
  if (!failed) listening->acceptor.bind(Protocol::endpoint{path.string()}, failed);
  ::umask(before);
  if (!failed) listening->acceptor.listen(asio::socket_base::max_listen_connections, failed);
  if (failed) return fail(Kind::denied, fmt::format("cannot listen on {}: {}", path.string(), failed.message()));
  auto* place = listening.get();
  place->callers.start(place->accept());
  return std::unique_ptr<ControlSocket>{new ControlSocket{std::move(listening)}};
}

Task<> ControlSocket::close() {
  boost::system::error_code ignored;
  listening_->acceptor.close(ignored);
  std::error_code absent;
  std::filesystem::remove(listening_->path, absent);
  listening_->callers.cancel();
  co_await listening_->callers.join();
}

Result<int> ask_serving_process(const std::filesystem::path& path, const std::vector<std::string>& arguments,
                                Output& output) {
  asio::io_context context;
  asio::basic_stream_socket<Protocol, Executor> socket{context.get_executor()};
  boost::system::error_code failed;
  socket.connect(Protocol::endpoint{path.string()}, failed);
  if (failed) return fail(Kind::unavailable, fmt::format("nobody answers on {}: {}", path.string(), failed.message()));
  boost::json::array request(arguments.begin(), arguments.end());
  asio::write(socket, asio::buffer(boost::json::serialize(request) + "\n"), failed);
  std::string received;
  while (!failed) {
    const std::size_t length = asio::read_until(socket, asio::dynamic_buffer(received), '\n', failed);
    if (failed) break;
    boost::system::error_code unreadable;
    const auto line = boost::json::parse(std::string_view{received}.substr(0, length - 1), unreadable);
    received.erase(0, length);
    if (unreadable || !line.is_object()) break;
    const auto& said = line.get_object();
    if (const auto* code = said.if_contains("exit")) return static_cast<int>(code->to_number<std::int64_t>());
    if (const auto* text = said.if_contains("out")) output.out(text->get_string());
    if (const auto* text = said.if_contains("err")) output.err(text->get_string());
  }
  return fail(Kind::maybe_done,
              "the serving process went away before it answered: look at `sluice status` before asking again");
}

}  // namespace sluice
