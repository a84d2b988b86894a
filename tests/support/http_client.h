#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

namespace retinaface::testing {

/// An answer as it came over the network.
struct HttpAnswer {
  int status = 0;                              ///< 0: the connection ended, or nothing came in time
  std::map<std::string, std::string> headers;  ///< names in small letters
  std::string body;
};

/// A connection to 127.0.0.1 that sends whatever bytes it is given. Nothing waits for longer than
/// a minute.
class HttpConnection {
 public:
  /// `receive_buffer_bytes`: how much the system takes before it is read; 0: as it likes.
  explicit HttpConnection(std::uint16_t port, int receive_buffer_bytes = 0);
  ~HttpConnection();
  HttpConnection(const HttpConnection&) = delete;
  HttpConnection& operator=(const HttpConnection&) = delete;

  /// False where the other side has closed.
  bool send(std::string_view bytes);
  /// The next answer, "100 Continue" too. `has_body`: false for an answer to HEAD.
  HttpAnswer receive(bool has_body = true);
  /// Whether the other side closes, all that it still sends read over.
  bool is_closed_by_server();
  /// Ends at once, by a reset of the connection, as the system does for a program that was killed
  /// with data unread.
  void reset();
  void half_close();

 private:
  /// Waits for more bytes; false at the end.
  bool fill();

  int socket_ = -1;
  std::string buffer_;
};

/// A whole request with a body of a stated length, for 127.0.0.1.
std::string http_request(std::string_view method, std::string_view target,
                         std::string_view body = {}, std::string_view more_headers = {});

/// A request by a connection of its own.
HttpAnswer http_ask(std::uint16_t port, std::string_view request);

/// The port that stands in "http://127.0.0.1:8080/".
std::uint16_t port_of(const std::string& url);

}  // namespace retinaface::testing
