#pragma once

#include <algorithm>
#include <boost/asio/io_context.hpp>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>

#include "server/http_server.h"
#include "server/problem.h"
#include "server/service.h"
#include "server/work_queue.h"

namespace retinaface::server {

class Connection;

/// What the connections of a server share. One thread, that of HttpServer::run(), uses it; tasks of
/// the queue may use `service` and post to `io`.
struct ServingState {
  ServingState(Service& served, const HttpOptions& given, HttpServer::Log told, int threads)
      : service(served), options(given), log(std::move(told)), queue(threads, given.queue) {
    service.metrics().queue_capacity = options.queue;
  }

  /// The bodies in memory have so many bytes more, or less.
  void hold(std::size_t bytes) { service.metrics().held_bytes += bytes; }
  void release(std::size_t bytes) { service.metrics().held_bytes -= bytes; }
  bool holds_too_much() const {
    return service.metrics().held_bytes > kHeldBodies * options.max_body;
  }

  void note_queue() {
    service.metrics().queued = queue.waiting();
    service.metrics().working = queue.working();
  }

  /// Refuses work; says when to come again, by how long such requests take.
  Problem refusal(const std::string& message, const std::string& endpoint) const {
    const double seconds = service.metrics().mean_seconds(endpoint) *
                           static_cast<double>(queue.waiting() + 1) /
                           static_cast<double>(queue.threads());
    return overloaded(message, std::clamp(static_cast<int>(std::ceil(seconds)), 1, 60));
  }

  /// Bodies in memory, as a multiple of the largest: a bound whatever clients do.
  static constexpr std::uint64_t kHeldBodies = 8;

  Service& service;
  const HttpOptions options;
  const HttpServer::Log log;
  boost::asio::io_context io{1};
  bool is_ending = false;                   ///< no more requests are begun
  std::function<void(Connection&)> forget;  ///< of a connection that has ended
  WorkQueue queue;                          // last: its threads end before what they use
};

}  // namespace retinaface::server
