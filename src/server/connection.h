#pragma once

#include <array>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/buffer_body.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>
#include <chrono>
#include <cstddef>
#include <memory>
#include <new>
#include <optional>
#include <utility>

#include "server/message.h"
#include "server/problem.h"
#include "server/serving_state.h"

namespace retinaface::server {

/// One client. Its steps are handlers that each begin the next: a head is read, then a body, a
/// worker makes the answer, the answer is written, and so on.
class Connection : public std::enable_shared_from_this<Connection> {
 public:
  using Clock = std::chrono::steady_clock;

  Connection(ServingState& state, boost::asio::ip::tcp::socket socket)
      : state_(state), socket_(std::move(socket)), deadline_(state.io) {}

  /// Waits for the next request.
  void start();

  /// Since when it has been waiting for a request, if it is.
  std::optional<Clock::time_point> idle_since() const { return idle_since_; }

  /// Whether something has arrived that has not been looked at.
  bool has_more_to_read() const;

  void cancel();

 private:
  using Parser = boost::beast::http::request_parser<boost::beast::http::buffer_body>;

  static constexpr std::size_t kBufferBytes = std::size_t{32} << 10;  ///< for what is read
  static constexpr std::size_t kPieceBytes = std::size_t{16} << 10;   ///< of a body

  /// A handler that keeps the connection alive, and closes it if it throws.
  template <typename Handler>
  auto guarded(Handler handler) {
    return [self = shared_from_this(), handler](const boost::system::error_code& error,
                                                auto&&... more) {
      try {
        handler(error, more...);
      } catch (const std::bad_alloc&) {
        self->close();
      }
    };
  }

  /// From now on the step must be done within the time limit.
  void arm() { arm(std::chrono::duration<double>(state_.options.timeout_s)); }
  void arm(std::chrono::duration<double> time);

  void read_head();
  void give_up(const boost::system::error_code& error);
  void on_head();
  void read_body();
  void on_piece();
  /// Has a worker make the answer.
  void dispatch();
  void refuse_for_queue();
  /// Of a request that is not read to its end.
  void refuse(const Problem& problem);
  void respond(Response response);
  /// Counts and logs an answer.
  void note(int status, std::size_t request_bytes, std::size_t response_bytes);

  /// Ends the connection after an answer, when the client has had time to read it.
  void linger();
  void discard(std::size_t so_far);
  void close();

  void hold(std::size_t bytes);
  void release();

  ServingState& state_;
  boost::asio::ip::tcp::socket socket_;
  boost::asio::steady_timer deadline_;
  boost::beast::flat_buffer buffer_{kBufferBytes};
  std::array<char, kPieceBytes> piece_;
  std::optional<Parser> parser_;
  Request request_;
  std::optional<boost::beast::http::response<boost::beast::http::string_body>> answer_;
  Clock::time_point received_ = Clock::now();
  std::optional<Clock::time_point> idle_since_;
  std::size_t held_ = 0;  ///< bytes of bodies that it has in memory
  bool timed_out_ = false;
  bool wants_close_ = true;
};

}  // namespace retinaface::server
