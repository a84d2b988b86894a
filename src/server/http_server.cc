#include "server/http_server.h"

#include <algorithm>
#include <boost/asio/buffer.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <csignal>
#include <string>
#include <unordered_set>
#include <utility>

#include <fmt/format.h>

#include "base/check.h"
#include "base/cpu.h"
#include "base/file.h"
#include "server/connection.h"
#include "server/problem.h"
#include "server/serving_state.h"

namespace retinaface::server {
namespace {

namespace net = boost::asio;
using boost::system::error_code;
using net::ip::tcp;

constexpr std::size_t kMaxConnections = 512;

}  // namespace

class HttpServer::Implementation {
 public:
  Implementation(Service& service, const HttpOptions& options, Log log)
      : state_(service, options, std::move(log), thread_count(options.threads)),
        acceptor_(state_.io),
        retry_(state_.io),
        signals_(state_.io) {
    state_.forget = [this](Connection& connection) { forget(connection); };
    listen();
  }

  std::string url() const {
    const tcp::endpoint at = acceptor_.local_endpoint();
    const std::string host = at.address().to_string();
    return at.address().is_v6() ? fmt::format("http://[{}]:{}/", host, at.port())
                                : fmt::format("http://{}:{}/", host, at.port());
  }

  void stop_on_signals() {
    signals_.add(SIGINT);
    signals_.add(SIGTERM);
    signals_.async_wait([this](const error_code& error, int) {
      if (!error) end();
    });
  }

  void run() {
    if (!state_.is_ending) accept();
    state_.io.run();
  }

  void stop() {
    net::post(state_.io, [this] { end(); });
  }

 private:
  void listen() {
    error_code error;
    const net::ip::address address = net::ip::make_address(state_.options.address, error);
    if (error) {
      fail(ErrorCode::kInvalidArgument, "expected an address as 127.0.0.1 or ::1, found '{}'",
           excerpt(state_.options.address));
    }
    const tcp::endpoint place(address, state_.options.port);
    acceptor_.open(place.protocol(), error);
    if (!error) acceptor_.set_option(net::socket_base::reuse_address(true), error);
    if (!error) acceptor_.bind(place, error);
    if (!error) acceptor_.listen(net::socket_base::max_listen_connections, error);
    if (error) {
      fail(ErrorCode::kUnreadable, "{} port {}: cannot be listened on: {}", state_.options.address,
           state_.options.port, error.message());
    }
  }

  void accept() {
    acceptor_.async_accept([this](const error_code& error, tcp::socket socket) {
      if (state_.is_ending) return;
      if (!error) {
        begin(std::move(socket));
        return accept();
      }
      // Such as no descriptor left: some connection will end.
      retry_.expires_after(std::chrono::milliseconds(100));
      retry_.async_wait([this](const error_code& cancelled) {
        if (!cancelled && !state_.is_ending) accept();
      });
    });
  }

  void begin(tcp::socket socket);
  void end();
  void forget(Connection& connection);

  ServingState state_;
  net::executor_work_guard<net::io_context::executor_type> guard_{state_.io.get_executor()};
  tcp::acceptor acceptor_;
  net::steady_timer retry_;
  net::signal_set signals_;
  std::unordered_set<std::shared_ptr<Connection>> connections_;
};

void HttpServer::Implementation::begin(tcp::socket socket) {
  if (connections_.size() >= kMaxConnections) {
    // Who has waited longest without a request makes room.
    const auto longest = std::ranges::min_element(connections_, {}, [](const auto& connection) {
      return connection->idle_since().value_or(Connection::Clock::time_point::max());
    });
    if ((*longest)->idle_since()) {
      (*longest)->cancel();
    } else {
      static const std::string kFull = [] {
        const Response response = response_of(overloaded("no more connections are taken now", 1));
        return fmt::format(
            "HTTP/1.1 503 Service Unavailable\r\nRetry-After: 1\r\nContent-Type: {}\r\n"
            "Content-Length: {}\r\nConnection: close\r\n\r\n{}",
            response.content_type, response.body.size(), response.body);
      }();
      error_code ignored;
      socket.non_blocking(true, ignored);
      socket.write_some(net::buffer(kFull), ignored);
      return;
    }
  }
  error_code ignored;
  socket.set_option(tcp::no_delay(true), ignored);
  const auto connection = std::make_shared<Connection>(state_, std::move(socket));
  connections_.insert(connection);
  state_.service.metrics().connections = connections_.size();
  connection->start();
}

void HttpServer::Implementation::forget(Connection& connection) {
  connections_.erase(connection.shared_from_this());
  state_.service.metrics().connections = connections_.size();
  if (state_.is_ending && connections_.empty()) guard_.reset();
}

void HttpServer::Implementation::end() {
  if (state_.is_ending) return;
  state_.is_ending = true;
  state_.service.end();
  error_code ignored;
  acceptor_.close(ignored);
  retry_.cancel();
  signals_.clear(ignored);  // the next one ends the program
  signals_.cancel(ignored);
  for (const auto& connection : connections_) {
    if (connection->idle_since() && !connection->has_more_to_read()) connection->cancel();
  }
  if (connections_.empty()) guard_.reset();
}

HttpServer::HttpServer(Service& service, const HttpOptions& options, Log log)
    : implementation_(std::make_unique<Implementation>(service, options, std::move(log))) {}

HttpServer::~HttpServer() = default;

std::string HttpServer::url() const {
  return implementation_->url();
}

void HttpServer::stop_on_signals() {
  implementation_->stop_on_signals();
}

void HttpServer::run() {
  implementation_->run();
}

void HttpServer::stop() {
  implementation_->stop();
}

}  // namespace retinaface::server
