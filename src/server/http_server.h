#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "server/service.h"

namespace retinaface::server {

struct HttpOptions {
  std::string address = "127.0.0.1";     ///< IPv4 or IPv6
  std::uint16_t port = 8080;             ///< 0: one that is free
  std::uint64_t max_body = 32ULL << 20;  ///< bytes of a request's body
  double timeout_s = 30;                 ///< for a request to arrive, and for an answer to be taken
  std::size_t queue = 64;                ///< requests that wait for a worker
  int threads = 0;                       ///< workers; 0: core_count()
};

/// Speaks HTTP/1.1 for a service. One thread, that of run(), does all that concerns connections;
/// workers do what takes long.
class HttpServer {
 public:
  /// Called for each answer, by the thread of run(): "POST /v1/detect 200 12.3 ms 48123 B".
  using Log = std::function<void(const std::string& line)>;

  /// Listens from now on. `service` must outlive the server. Throws Error: kInvalidArgument for an
  /// address that is none, kUnreadable where the system refuses to listen there.
  HttpServer(Service& service, const HttpOptions& options, Log log = {});
  ~HttpServer();
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;

  /// "http://127.0.0.1:8080/"
  std::string url() const;

  /// The first SIGINT or SIGTERM calls stop(); a second one ends the program as usual.
  void stop_on_signals();

  /// Serves until it is stopped and what was begun is answered.
  void run();

  /// No more connections and requests; what has begun to arrive is still answered. Any thread.
  void stop();

 private:
  class Implementation;
  std::unique_ptr<Implementation> implementation_;
};

}  // namespace retinaface::server
