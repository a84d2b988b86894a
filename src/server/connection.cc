#include "server/connection.h"

#include <boost/asio/buffer.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/http.hpp>
#include <string>
#include <string_view>

#include <fmt/format.h>

#include "retinaface/version.h"

#include "base/file.h"
#include "server/header_value.h"
#include "server/http_message.h"

namespace retinaface::server {
namespace {

namespace http = boost::beast::http;
namespace net = boost::asio;
using boost::system::error_code;
using net::ip::tcp;

/// After an answer that ends a connection, what the client is still sending is read for this long,
/// else the system would throw the answer away (RFC 9112, 9.6).
constexpr std::chrono::seconds kLingerTime(2);
constexpr std::size_t kLingerBytes = std::size_t{4} << 20;

}  // namespace

void Connection::start() {
  release();
  request_ = {};
  wants_close_ = true;
  parser_.emplace();
  parser_->header_limit(kMaxHeaderBytes);
  parser_->body_limit(state_.options.max_body);
  if (buffer_.size() > 0) return read_head();
  if (state_.is_ending) return close();
  idle_since_ = Clock::now();
  arm();
  socket_.async_wait(tcp::socket::wait_read, guarded([this](const error_code& error) {
                       idle_since_.reset();
                       if (error) return close();
                       read_head();
                     }));
}

bool Connection::has_more_to_read() const {
  error_code ignored;
  return socket_.available(ignored) > 0;
}

void Connection::cancel() {
  error_code ignored;
  socket_.cancel(ignored);
}

void Connection::arm(std::chrono::duration<double> time) {
  timed_out_ = false;
  deadline_.expires_after(std::chrono::duration_cast<Clock::duration>(time));
  deadline_.async_wait(guarded([this](const error_code& error) {
    if (error || deadline_.expiry() > Clock::now()) return;
    timed_out_ = true;
    cancel();
  }));
}

void Connection::read_head() {
  arm();
  http::async_read_header(socket_, buffer_, *parser_,
                          guarded([this](const error_code& error, std::size_t) {
                            if (error) return give_up(error);
                            on_head();
                          }));
}

void Connection::give_up(const error_code& error) {
  if (timed_out_ && !parser_->got_some()) return close();
  const std::optional<Problem> problem =
      timed_out_
          ? Problem(408, "timeout",
                    fmt::format("expected the whole request within {} s", state_.options.timeout_s))
          : reading_problem(error, state_.options.max_body);
  if (!problem) return close();
  refuse(*problem);
}

void Connection::on_head() {
  const auto& head = parser_->get();
  received_ = Clock::now();
  std::optional<Request> request = request_of(head);
  if (!request) {
    return refuse(Problem(400, "bad_request", "expected a path as target, found another one"));
  }
  request_ = std::move(*request);
  const std::size_t hosts = head.count(http::field::host);
  if (hosts > 1 || (head.version() >= 11 && hosts == 0)) {
    return refuse(
        Problem(400, "bad_request", fmt::format("expected one header Host, found {}", hosts)));
  }
  // A body in a coding that is not known has no known end (RFC 9112, 6.1).
  const auto coding = head[http::field::transfer_encoding];
  if (head.count(http::field::transfer_encoding) > 1 ||
      (!coding.empty() && !boost::beast::iequals(coding, "chunked"))) {
    return refuse(Problem(501, "not_implemented", "Transfer-Encoding: expected chunked alone"));
  }
  const std::string expected =
      parse_header_value(
          std::string_view(head[http::field::expect].data(), head[http::field::expect].size()))
          .value;
  if (!expected.empty() && expected != "100-continue") {
    return refuse(Problem(417, "expectation_failed", "Expect: expected 100-continue alone"));
  }
  if (std::optional<Response> response = state_.service.answer_head(request_)) {
    wants_close_ = !parser_->is_done() || !parser_->keep_alive();
    state_.note_queue();
    return respond(std::move(*response));
  }
  if (state_.queue.is_full()) return refuse_for_queue();
  if (parser_->is_done()) return dispatch();
  if (expected.empty() || head.version() < 11 || buffer_.size() > 0) return read_body();
  static constexpr std::string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";
  net::async_write(socket_, net::buffer(kContinue.data(), kContinue.size()),
                   guarded([this](const error_code& error, std::size_t) {
                     if (error) return give_up(error);
                     read_body();
                   }));
}

void Connection::read_body() {
  auto& body = parser_->get().body();
  body.data = piece_.data();
  body.size = piece_.size();
  http::async_read_some(socket_, buffer_, *parser_,
                        guarded([this](const error_code& error, std::size_t) {
                          if (error && error != http::error::need_buffer) return give_up(error);
                          on_piece();
                        }));
}

void Connection::on_piece() {
  const std::size_t size = piece_.size() - parser_->get().body().size;
  hold(size);
  if (state_.holds_too_much()) {
    return refuse(state_.refusal("too many bytes of requests are in memory", request_.path));
  }
  try {
    request_.body.append(piece_.data(), size);
  } catch (const std::bad_alloc&) {
    return refuse(state_.refusal("not enough memory for this request", request_.path));
  }
  if (!parser_->is_done()) return read_body();
  received_ = Clock::now();
  dispatch();
}

void Connection::dispatch() {
  deadline_.cancel();
  wants_close_ = !parser_->keep_alive();
  const bool is_taken = state_.queue.try_push([self = shared_from_this()]() mutable {
    // Moved, so that the connection ends on its own thread, not on the worker's.
    Connection& connection = *self;
    Response response = connection.state_.service.handle(connection.request_);
    net::post(connection.state_.io,
              [self = std::move(self), response = std::move(response)]() mutable {
                self->state_.note_queue();
                self->respond(std::move(response));
              });
  });
  state_.note_queue();
  if (!is_taken) refuse_for_queue();
}

void Connection::refuse_for_queue() {
  refuse(state_.refusal(
      fmt::format("{} requests are waiting, as many as may", state_.queue.capacity()),
      request_.path));
}

void Connection::refuse(const Problem& problem) {
  wants_close_ |= !parser_->is_done();
  respond(response_of(problem));
}

void Connection::respond(Response response) {
  state_.service.complete(request_, response);
  wants_close_ |= state_.is_ending;
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

void Connection::note(int status, std::size_t request_bytes, std::size_t response_bytes) {
  const double seconds = std::chrono::duration<double>(Clock::now() - received_).count();
  state_.service.metrics().count_request(Service::label_of(request_), status, seconds,
                                         request_bytes, response_bytes);
  if (!state_.log) return;
  constexpr double kMsPerSecond = 1000;
  state_.log(fmt::format("{} {} {} {:.1f} ms {} B",
                         request_.method.empty() ? "-" : excerpt(request_.method),
                         request_.path.empty() ? "-" : excerpt(request_.path), status,
                         seconds * kMsPerSecond, response_bytes));
}

void Connection::linger() {
  release();
  error_code ignored;
  socket_.shutdown(tcp::socket::shutdown_send, ignored);
  arm(kLingerTime);
  discard(0);
}

void Connection::discard(std::size_t so_far) {
  socket_.async_read_some(net::buffer(piece_),
                          guarded([this, so_far](const error_code& error, std::size_t size) {
                            if (error || so_far + size > kLingerBytes) return close();
                            discard(so_far + size);
                          }));
}

void Connection::close() {
  release();
  deadline_.cancel();
  error_code ignored;
  socket_.close(ignored);
  state_.forget(*this);
}

void Connection::hold(std::size_t bytes) {
  held_ += bytes;
  state_.hold(bytes);
}

void Connection::release() {
  state_.release(held_);
  held_ = 0;
}

}  // namespace retinaface::server
