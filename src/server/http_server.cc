#include "server/http_server.h"

#include <algorithm>
#include <array>
#include <boost/asio/buffer.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>
#include <chrono>
#include <cmath>
#include <csignal>
#include <ctime>
#include <new>
#include <optional>
#include <string_view>
#include <unordered_set>
#include <utility>

#include <fmt/format.h>

#include "retinaface/version.h"

#include "base/check.h"
#include "base/cpu.h"
#include "base/file.h"
#include "server/header_value.h"
#include "server/http_message.h"
#include "server/problem.h"
#include "server/work_queue.h"

namespace retinaface::server {
namespace {

namespace http = boost::beast::http;
namespace net = boost::asio;
using boost::system::error_code;
using net::ip::tcp;
using Clock = std::chrono::steady_clock;

constexpr std::size_t kMaxConnections = 512;
constexpr std::uint32_t kMaxHeaderBytes = 8192;
constexpr std::size_t kBufferBytes = std::size_t{32} << 10;  // of a connection, for what is read
constexpr std::size_t kPieceBytes = std::size_t{16} << 10;   // of a body
/// Bodies in memory, as a multiple of the largest: a bound whatever clients do.
constexpr std::uint64_t kHeldBodies = 8;
/// After an answer that ends a connection, what the client is still sending is read for this long,
/// else the system would throw the answer away (RFC 9112, 9.6).
constexpr std::chrono::seconds kLingerTime(2);
constexpr std::size_t kLingerBytes = std::size_t{4} << 20;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

/// "Fri, 27 Nov 2026 12:00:00 GMT"
std::string http_date() {
  const std::time_t now = std::time(nullptr);
  std::tm parts{};
  ::gmtime_r(&now, &parts);
  std::array<char, 64> text{};
  const std::size_t size =
      std::strftime(text.data(), text.size(), "%a, %d %b %Y %H:%M:%S GMT", &parts);
  return {text.data(), size};
}

/// What a request that could not be read is answered, nothing if its client has gone.
std::optional<Problem> problem_of(const error_code& error, bool timed_out,
                                  const HttpOptions& options) {
  if (timed_out) {
    return Problem(408, "timeout",
                   fmt::format("expected the whole request within {} s", options.timeout_s));
  }
  if (error == http::error::header_limit || error == http::error::buffer_overflow) {
    return Problem(431, "header_too_large",
                   fmt::format("expected a head of at most {} bytes", kMaxHeaderBytes));
  }
  if (error == http::error::body_limit) {
    return Problem(413, "too_large",
                   fmt::format("expected a body of at most {} bytes", options.max_body));
  }
  if (error == http::error::end_of_stream || error == http::error::partial_message) return {};
  static const error_code kOfHttp = http::make_error_code(http::error::bad_method);
  if (error.category() != kOfHttp.category()) return {};
  return Problem(400, "bad_request", fmt::format("no request of HTTP: {}", error.message()));
}

}  // namespace

class HttpServer::Implementation {
 public:
  Implementation(Service& service, const HttpOptions& options, Log log)
      : service_(service),
        options_(options),
        log_(std::move(log)),
        acceptor_(io_),
        retry_(io_),
        signals_(io_),
        queue_(thread_count(options.threads), options.queue) {
    service_.metrics().queue_capacity = options.queue;
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
    if (!is_ending_) accept();
    io_.run();
  }

  void stop() {
    net::post(io_, [this] { end(); });
  }

 private:
  class Connection;

  void listen() {
    error_code error;
    const net::ip::address address = net::ip::make_address(options_.address, error);
    if (error) {
      fail(ErrorCode::kInvalidArgument, "expected an address as 127.0.0.1 or ::1, found '{}'",
           excerpt(options_.address));
    }
    const tcp::endpoint place(address, options_.port);
    acceptor_.open(place.protocol(), error);
    if (!error) acceptor_.set_option(net::socket_base::reuse_address(true), error);
    if (!error) acceptor_.bind(place, error);
    if (!error) acceptor_.listen(net::socket_base::max_listen_connections, error);
    if (error) {
      fail(ErrorCode::kUnreadable, "{} port {}: cannot be listened on: {}", options_.address,
           options_.port, error.message());
    }
  }

  void accept() {
    acceptor_.async_accept([this](const error_code& error, tcp::socket socket) {
      if (is_ending_) return;
      if (!error) {
        begin(std::move(socket));
        return accept();
      }
      // Such as no descriptor left: some connection will end.
      retry_.expires_after(std::chrono::milliseconds(100));
      retry_.async_wait([this](const error_code& cancelled) {
        if (!cancelled && !is_ending_) accept();
      });
    });
  }

  void begin(tcp::socket socket);
  void end();
  void forget(Connection* connection);

  /// The bodies in memory have so many bytes more, or less.
  void hold(std::size_t bytes) { service_.metrics().held_bytes += bytes; }
  void release(std::size_t bytes) { service_.metrics().held_bytes -= bytes; }
  bool holds_too_much() const {
    return service_.metrics().held_bytes > kHeldBodies * options_.max_body;
  }

  void note_queue() {
    service_.metrics().queued = queue_.waiting();
    service_.metrics().working = queue_.working();
  }

  /// Refuses work; says when to come again, by how long such requests take.
  Problem refusal(const std::string& message, const std::string& endpoint) const {
    const double seconds = service_.metrics().mean_seconds(endpoint) *
                           static_cast<double>(queue_.waiting() + 1) /
                           static_cast<double>(queue_.threads());
    return overloaded(message, std::clamp(static_cast<int>(std::ceil(seconds)), 1, 60));
  }

  Service& service_;
  const HttpOptions options_;
  const Log log_;
  net::io_context io_{1};
  net::executor_work_guard<net::io_context::executor_type> guard_{io_.get_executor()};
  tcp::acceptor acceptor_;
  net::steady_timer retry_;
  net::signal_set signals_;
  std::unordered_set<std::shared_ptr<Connection>> connections_;
  bool is_ending_ = false;
  WorkQueue queue_;  // last: its threads end before what they use
};

/// One client. Its steps are handlers that each begin the next: a head is read, then a body, a
/// worker makes the answer, the answer is written, and so on.
class HttpServer::Implementation::Connection : public std::enable_shared_from_this<Connection> {
 private:
  /// A handler that keeps the connection alive, and closes it if it throws.
  template <typename Handler>
  auto guarded(Handler handler) {
    return [self = shared_from_this(), handler](const error_code& error, auto&&... more) {
      try {
        handler(error, more...);
      } catch (const std::bad_alloc&) {
        self->close();
      }
    };
  }

 public:
  Connection(Implementation& server, tcp::socket socket)
      : server_(server), socket_(std::move(socket)), deadline_(server.io_) {}

  /// Waits for the next request.
  void start() {
    release();
    request_ = {};
    wants_close_ = true;
    parser_.emplace();
    parser_->header_limit(kMaxHeaderBytes);
    parser_->body_limit(server_.options_.max_body);
    if (buffer_.size() > 0) return read_head();
    if (server_.is_ending_) return close();
    idle_since_ = Clock::now();
    arm();
    socket_.async_wait(tcp::socket::wait_read, guarded([this](const error_code& error) {
                         idle_since_.reset();
                         if (error) return close();
                         read_head();
                       }));
  }

  /// Since when it has been waiting for a request, if it is.
  std::optional<Clock::time_point> idle_since() const { return idle_since_; }

  /// Whether something has arrived that has not been looked at.
  bool has_more_to_read() const {
    error_code ignored;
    return socket_.available(ignored) > 0;
  }

  void cancel() {
    error_code ignored;
    socket_.cancel(ignored);
  }

 private:
  using Parser = http::request_parser<http::buffer_body>;

  /// From now on the step must be done within the time limit.
  void arm() { arm(std::chrono::duration<double>(server_.options_.timeout_s)); }
  void arm(std::chrono::duration<double> time) {
    timed_out_ = false;
    deadline_.expires_after(std::chrono::duration_cast<Clock::duration>(time));
    deadline_.async_wait(guarded([this](const error_code& error) {
      if (error || deadline_.expiry() > Clock::now()) return;
      timed_out_ = true;
      cancel();
    }));
  }

  void read_head() {
    arm();
    http::async_read_header(socket_, buffer_, *parser_,
                            guarded([this](const error_code& error, std::size_t) {
                              if (error) return give_up(error);
                              on_head();
                            }));
  }

  void give_up(const error_code& error) {
    if (timed_out_ && !parser_->got_some()) return close();
    const std::optional<Problem> problem = problem_of(error, timed_out_, server_.options_);
    if (!problem) return close();
    refuse(*problem);
  }

  void on_head() {
    const auto& head = parser_->get();
    received_ = Clock::now();
    std::optional<Request> request = request_of(head);
    if (!request) {
      return refuse(Problem(400, "bad_request", "expected a path as target, found another one"));
    }
    request_ = std::move(*request);
    if (head.version() >= 11 && head.count(http::field::host) == 0) {
      return refuse(Problem(400, "bad_request", "expected a header Host, found none"));
    }
    const std::string expected =
        parse_header_value(
            std::string_view(head[http::field::expect].data(), head[http::field::expect].size()))
            .value;
    if (!expected.empty() && expected != "100-continue") {
      return refuse(Problem(417, "expectation_failed", "Expect: expected 100-continue alone"));
    }
    if (std::optional<Response> response = server_.service_.answer_head(request_)) {
      wants_close_ = !parser_->is_done() || !parser_->keep_alive();
      server_.note_queue();
      return respond(std::move(*response));
    }
    if (server_.queue_.is_full()) return refuse_for_queue();
    if (parser_->is_done()) return dispatch();
    if (expected.empty() || head.version() < 11 || buffer_.size() > 0) return read_body();
    static constexpr std::string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";
    net::async_write(socket_, net::buffer(kContinue.data(), kContinue.size()),
                     guarded([this](const error_code& error, std::size_t) {
                       if (error) return give_up(error);
                       read_body();
                     }));
  }

  void read_body() {
    auto& body = parser_->get().body();
    body.data = piece_.data();
    body.size = piece_.size();
    http::async_read_some(socket_, buffer_, *parser_,
                          guarded([this](const error_code& error, std::size_t) {
                            if (error && error != http::error::need_buffer) return give_up(error);
                            on_piece();
                          }));
  }

  void on_piece() {
    const std::size_t size = piece_.size() - parser_->get().body().size;
    hold(size);
    if (server_.holds_too_much()) {
      return refuse(server_.refusal("too many bytes of requests are in memory", request_.path));
    }
    try {
      request_.body.append(piece_.data(), size);
    } catch (const std::bad_alloc&) {
      return refuse(server_.refusal("not enough memory for this request", request_.path));
    }
    if (!parser_->is_done()) return read_body();
    received_ = Clock::now();
    dispatch();
  }

  /// Has a worker make the answer.
  void dispatch() {
    deadline_.cancel();
    wants_close_ = !parser_->keep_alive();
    const bool is_taken = server_.queue_.try_push([self = shared_from_this()]() mutable {
      // Moved, so that the connection ends on its own thread, not on the worker's.
      Connection& connection = *self;
      Response response = connection.server_.service_.handle(connection.request_);
      net::post(connection.server_.io_,
                [self = std::move(self), response = std::move(response)]() mutable {
                  self->server_.note_queue();
                  self->respond(std::move(response));
                });
    });
    server_.note_queue();
    if (!is_taken) refuse_for_queue();
  }

  void refuse_for_queue() {
    refuse(server_.refusal(
        fmt::format("{} requests are waiting, as many as may", server_.queue_.capacity()),
        request_.path));
  }

  /// Of a request that is not read to its end.
  void refuse(const Problem& problem) {
    wants_close_ |= !parser_->is_done();
    respond(response_of(problem));
  }

  void respond(Response response) {
    server_.service_.complete(request_, response);
    wants_close_ |= server_.is_ending_;
    const std::size_t request_bytes = request_.body.size();
    const std::size_t response_bytes = response.body.size();
    note(response.status, request_bytes, response_bytes);
    release();
    request_.body = std::string();
    hold(response_bytes);

    const unsigned version =
        parser_->got_some() && parser_->is_header_done() ? parser_->get().version() : 11;
    answer_.emplace(http::int_to_status(static_cast<unsigned>(response.status)), version);
    answer_->set(http::field::server, fmt::format("retinaface/{}", retinaface::version()));
    answer_->set(http::field::date, http_date());
    if (!response.content_type.empty()) {
      answer_->set(http::field::content_type, response.content_type);
    }
    for (const auto& [name, value] : response.headers) answer_->set(name, value);
    answer_->keep_alive(!wants_close_);
    constexpr int kNoContent = 204;
    if (response.status != kNoContent) answer_->content_length(response_bytes);
    if (request_.method != "HEAD") answer_->body() = std::move(response.body);
    arm();
    http::async_write(socket_, *answer_, guarded([this](const error_code& error, std::size_t) {
                        answer_.reset();
                        if (error) return close();
                        if (wants_close_) return linger();
                        start();
                      }));
  }

  /// Counts and logs an answer.
  void note(int status, std::size_t request_bytes, std::size_t response_bytes) {
    const double seconds = seconds_since(received_);
    server_.service_.metrics().count_request(Service::label_of(request_), status, seconds,
                                             request_bytes, response_bytes);
    if (!server_.log_) return;
    constexpr double kMsPerSecond = 1000;
    server_.log_(fmt::format("{} {} {} {:.1f} ms {} B",
                             request_.method.empty() ? "-" : excerpt(request_.method),
                             request_.path.empty() ? "-" : excerpt(request_.path), status,
                             seconds * kMsPerSecond, response_bytes));
  }

  void linger() {
    release();
    error_code ignored;
    socket_.shutdown(tcp::socket::shutdown_send, ignored);
    arm(kLingerTime);
    discard(0);
  }

  void discard(std::size_t so_far) {
    socket_.async_read_some(net::buffer(piece_),
                            guarded([this, so_far](const error_code& error, std::size_t size) {
                              if (error || so_far + size > kLingerBytes) return close();
                              discard(so_far + size);
                            }));
  }

  void close() {
    release();
    deadline_.cancel();
    error_code ignored;
    socket_.close(ignored);
    server_.forget(this);
  }

  void hold(std::size_t bytes) {
    held_ += bytes;
    server_.hold(bytes);
  }
  void release() {
    server_.release(held_);
    held_ = 0;
  }

  Implementation& server_;
  tcp::socket socket_;
  net::steady_timer deadline_;
  boost::beast::flat_buffer buffer_{kBufferBytes};
  std::array<char, kPieceBytes> piece_;
  std::optional<Parser> parser_;
  Request request_;
  std::optional<http::response<http::string_body>> answer_;
  Clock::time_point received_ = Clock::now();
  std::optional<Clock::time_point> idle_since_;
  std::size_t held_ = 0;  ///< bytes of bodies that it has in memory
  bool timed_out_ = false;
  bool wants_close_ = true;
};

void HttpServer::Implementation::begin(tcp::socket socket) {
  if (connections_.size() >= kMaxConnections) {
    // Who has waited longest without a request makes room.
    const auto longest = std::ranges::min_element(connections_, {}, [](const auto& connection) {
      return connection->idle_since().value_or(Clock::time_point::max());
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
  const auto connection = std::make_shared<Connection>(*this, std::move(socket));
  connections_.insert(connection);
  service_.metrics().connections = connections_.size();
  connection->start();
}

void HttpServer::Implementation::forget(Connection* connection) {
  connections_.erase(connection->shared_from_this());
  service_.metrics().connections = connections_.size();
  if (is_ending_ && connections_.empty()) guard_.reset();
}

void HttpServer::Implementation::end() {
  if (is_ending_) return;
  is_ending_ = true;
  service_.end();
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
