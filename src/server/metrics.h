#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <utility>

namespace retinaface::server {

/// What the service counts, as Prometheus reads it. Safe to use from several threads.
class Metrics {
 public:
  /// An answered request. `endpoint` is one of the service's paths or "other", so that there are
  /// only so many of them; `seconds` from the whole request to its answer, the queue included.
  void count_request(const std::string& endpoint, int status, double seconds,
                     std::uint64_t request_bytes, std::uint64_t response_bytes);
  void count_image(std::size_t faces);

  /// How things stand; set by who knows it.
  std::atomic<std::size_t> connections = 0;
  std::atomic<std::size_t> queued = 0;
  std::atomic<std::size_t> queue_capacity = 0;
  std::atomic<std::size_t> working = 0;
  std::atomic<std::size_t> held_bytes = 0;  ///< of bodies, received and to be sent

  /// Mean of the durations that were counted for an endpoint; 0 without any.
  double mean_seconds(const std::string& endpoint) const;

  /// Text exposition format, version 0.0.4.
  std::string text() const;

  static constexpr const char* kContentType = "text/plain; version=0.0.4; charset=utf-8";

 private:
  static constexpr std::array<double, 11> kBounds_s = {0.005, 0.01, 0.025, 0.05, 0.1, 0.25,
                                                       0.5,   1,    2.5,   5,    10};
  struct Histogram {
    std::array<std::uint64_t, kBounds_s.size() + 1> counts{};  ///< by bucket, not summed up
    std::uint64_t count = 0;
    double sum_s = 0;
  };

  mutable std::mutex mutex_;
  std::map<std::pair<std::string, int>, std::uint64_t> requests_;  // by endpoint and status
  std::map<std::string, Histogram> durations_;                     // by endpoint
  std::uint64_t request_bytes_ = 0;
  std::uint64_t response_bytes_ = 0;
  std::uint64_t images_ = 0;
  std::uint64_t faces_ = 0;
};

}  // namespace retinaface::server
