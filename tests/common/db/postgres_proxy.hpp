// A wire between us and the server that can be held in either direction and cut, on the test's own loop.
#pragma once

#include <array>
#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include <boost/asio/ip/tcp.hpp>

#include "common/async/loop.hpp"

namespace sluice::db {

class PostgresProxy {
 public:
  PostgresProxy(Loop& loop, const std::string& server_url);
  PostgresProxy(const PostgresProxy&) = delete;
  PostgresProxy& operator=(const PostgresProxy&) = delete;
  ~PostgresProxy();

  [[nodiscard]] std::string url() const;  // the server's, by way of this

  // What arrives while it is held goes on when it is let go.
  void hold_questions();
  void let_questions_go();
  void hold_answers();
  void let_answers_go();

  void cut();                // every connection there is, with what is held on it
  void refuse(bool refuse);  // new connections are accepted and closed

  [[nodiscard]] std::size_t accepted() const { return accepted_; }
  [[nodiscard]] std::size_t held_bytes() const;

 private:
  using Protocol = boost::asio::ip::tcp;
  using Socket = boost::asio::basic_stream_socket<Protocol, Executor>;
  using Acceptor = boost::asio::basic_socket_acceptor<Protocol, Executor>;
  struct Link;
  struct Direction;

  void accept();

  Loop& loop_;
  std::string server_url_;
  Protocol::endpoint server_;
  Acceptor acceptor_;
  std::vector<std::weak_ptr<Link>> links_;
  std::shared_ptr<bool> questions_held_ = std::make_shared<bool>(false);
  std::shared_ptr<bool> answers_held_ = std::make_shared<bool>(false);
  bool refuses_ = false;
  std::size_t accepted_ = 0;
};

}  // namespace sluice::db
