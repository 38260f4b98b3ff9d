#include "tests/common/db/postgres_proxy.hpp"

#include <utility>

#include <fmt/format.h>
#include <boost/asio/ip/address.hpp>
#include <boost/asio/write.hpp>

namespace sluice::db {

// One way of one connection: reads, keeps while it is held, writes.
struct PostgresProxy::Direction {
  Socket& from;
  Socket& to;
  std::shared_ptr<bool> held;
  std::array<char, 65536> piece{};
  std::string kept = {};
  bool writing = false;
  bool ended = false;  // nothing more comes; who is at the other end learns it behind what was kept
};

struct PostgresProxy::Link : std::enable_shared_from_this<PostgresProxy::Link> {
  Link(Socket its_client, std::shared_ptr<bool> questions_held, std::shared_ptr<bool> answers_held)
      : client(std::move(its_client)),
        server(client.get_executor()),
        questions{client, server, std::move(questions_held)},
        answers{server, client, std::move(answers_held)} {}

  void read(Direction& way) {
    way.from.async_read_some(boost::asio::buffer(way.piece),
                             [self = shared_from_this(), &way](boost::system::error_code error, std::size_t count) {
                               if (error) {
                                 way.ended = true;
                                 self->pass_on(way);
                                 return;
                               }
                               way.kept.append(way.piece.data(), count);
                               self->pass_on(way);
                               self->read(way);
                             });
  }

  void pass_on(Direction& way) {
    if (*way.held || way.writing) return;
    if (way.kept.empty()) {
      if (way.ended) close();
      return;
    }
    way.writing = true;
    const auto piece = std::make_shared<std::string>(std::exchange(way.kept, {}));
    boost::asio::async_write(way.to, boost::asio::buffer(*piece),
                             [self = shared_from_this(), &way, piece](boost::system::error_code error, std::size_t) {
                               way.writing = false;
                               if (error) {
                                 self->close();
                               } else {
                                 self->pass_on(way);
                               }
                             });
  }

  void close() {
    boost::system::error_code ignored;
    client.close(ignored);
    server.close(ignored);
  }

  Socket client;
  Socket server;
  Direction questions;
  Direction answers;
};

namespace {

unsigned short port_of(const std::string& url) {
  const auto colon = url.find(':', url.find('@'));
  return static_cast<unsigned short>(std::stoi(url.substr(colon + 1)));
}

}  // namespace

PostgresProxy::PostgresProxy(Loop& loop, const std::string& server_url)
    : loop_(loop),
      server_url_(server_url),
      server_(boost::asio::ip::address_v4::loopback(), port_of(server_url)),
      acceptor_(loop.context(), Protocol::endpoint{boost::asio::ip::address_v4::loopback(), 0}) {
  accept();
}

PostgresProxy::~PostgresProxy() {
  cut();
  acceptor_.close();
  loop_.run_ready();  // the handlers of what was closed
}

std::string PostgresProxy::url() const {
  auto url = server_url_;
  const auto colon = url.find(':', url.find('@'));
  const auto end = url.find('/', colon);
  return url.replace(colon + 1, end - colon - 1, fmt::format("{}", acceptor_.local_endpoint().port()));
}

void PostgresProxy::accept() {
  acceptor_.async_accept([this](boost::system::error_code error, Socket client) {
    if (error) return;
    ++accepted_;
    if (!refuses_) {
      const auto link = std::make_shared<Link>(std::move(client), questions_held_, answers_held_);
      link->server.connect(server_);
      links_.push_back(link);
      link->read(link->questions);
      link->read(link->answers);
    }
    accept();
  });
}

void PostgresProxy::hold_questions() {
  *questions_held_ = true;
}

void PostgresProxy::let_questions_go() {
  *questions_held_ = false;
  for (const auto& weak : links_) {
    if (const auto link = weak.lock()) link->pass_on(link->questions);
  }
}

void PostgresProxy::hold_answers() {
  *answers_held_ = true;
}

void PostgresProxy::let_answers_go() {
  *answers_held_ = false;
  for (const auto& weak : links_) {
    if (const auto link = weak.lock()) link->pass_on(link->answers);
  }
}

void PostgresProxy::cut() {
  for (const auto& weak : std::exchange(links_, {})) {
    if (const auto link = weak.lock()) link->close();
  }
}

void PostgresProxy::refuse(bool refuse) {
  refuses_ = refuse;
}

std::size_t PostgresProxy::held_bytes() const {
  std::size_t bytes = 0;
  for (const auto& weak : links_) {
    if (const auto link = weak.lock()) bytes += link->questions.kept.size() + link->answers.kept.size();
  }
  return bytes;
}

}  // namespace sluice::db
