#include "server/metrics.h"

#include <algorithm>
#include <cstdio>
#include <iterator>
#include <utility>

#include <fmt/format.h>
#include <unistd.h>

namespace retinaface::server {
namespace {

/// Pages in memory times their size; 0 where the system does not say.
std::uint64_t resident_bytes() {
  std::uint64_t pages = 0;
  if (std::FILE* const file = std::fopen("/proc/self/statm", "re")) {
    unsigned long all = 0;
    unsigned long resident = 0;
    if (std::fscanf(file, "%lu %lu", &all, &resident) == 2) pages = resident;
    std::fclose(file);
  }
  return pages * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
}

class Text {
 public:
  void begin(const char* name, const char* kind, const char* help) {
    fmt::format_to(std::back_inserter(text_), "# HELP {0} {2}\n# TYPE {0} {1}\n", name, kind, help);
  }
  template <typename Value>
  void add(const std::string& name, Value value) {
    fmt::format_to(std::back_inserter(text_), "{} {}\n", name, value);
  }
  template <typename Value>
  void single(const char* name, const char* kind, const char* help, Value value) {
    begin(name, kind, help);
    add(name, value);
  }
  std::string take() { return std::move(text_); }

 private:
  std::string text_;
};

}  // namespace

void Metrics::count_request(const std::string& endpoint, int status, double seconds,
                            std::uint64_t request_bytes, std::uint64_t response_bytes) {
  const auto bucket =
      static_cast<std::size_t>(std::ranges::lower_bound(kBounds_s, seconds) - kBounds_s.begin());
  const std::lock_guard lock(mutex_);
  ++requests_[{endpoint, status}];
  Histogram& histogram = durations_[endpoint];
  ++histogram.counts[bucket];
  ++histogram.count;
  histogram.sum_s += seconds;
  request_bytes_ += request_bytes;
  response_bytes_ += response_bytes;
}

void Metrics::count_image(std::size_t faces) {
  const std::lock_guard lock(mutex_);
  ++images_;
  faces_ += faces;
}

double Metrics::mean_seconds(const std::string& endpoint) const {
  const std::lock_guard lock(mutex_);
  const auto found = durations_.find(endpoint);
  if (found == durations_.end()) return 0;
  return found->second.sum_s / static_cast<double>(found->second.count);
}

std::string Metrics::text() const {
  Text text;
  {
    const std::lock_guard lock(mutex_);
    text.begin("retinaface_requests_total", "counter", "Answered requests by endpoint and status.");
    for (const auto& [key, count] : requests_) {
      text.add(fmt::format("retinaface_requests_total{{endpoint=\"{}\",status=\"{}\"}}", key.first,
                           key.second),
               count);
    }
    const std::string duration = "retinaface_request_duration_seconds";
    text.begin(duration.c_str(), "histogram",
               "From the whole request to its answer, time in the queue included.");
    for (const auto& [endpoint, histogram] : durations_) {
      std::uint64_t sum = 0;
      for (std::size_t i = 0; i < histogram.counts.size(); ++i) {
        sum += histogram.counts[i];
        const std::string bound = i < kBounds_s.size() ? fmt::to_string(kBounds_s[i]) : "+Inf";
        text.add(fmt::format("{}_bucket{{endpoint=\"{}\",le=\"{}\"}}", duration, endpoint, bound),
                 sum);
      }
      text.add(fmt::format("{}_sum{{endpoint=\"{}\"}}", duration, endpoint), histogram.sum_s);
      text.add(fmt::format("{}_count{{endpoint=\"{}\"}}", duration, endpoint), histogram.count);
    }
    text.single("retinaface_request_bytes_total", "counter", "Bytes of bodies received.",
                request_bytes_);
    text.single("retinaface_response_bytes_total", "counter", "Bytes of bodies answered.",
                response_bytes_);
    text.single("retinaface_images_total", "counter", "Images in which faces were looked for.",
                images_);
    text.single("retinaface_faces_total", "counter", "Faces found in them.", faces_);
  }
  text.single("retinaface_queue_length", "gauge", "Requests that wait for a worker.",
              queued.load());
  text.single("retinaface_queue_capacity", "gauge", "How many may wait.", queue_capacity.load());
  text.single("retinaface_requests_in_work", "gauge", "Requests that a worker has.",
              working.load());
  text.single("retinaface_connections", "gauge", "Open connections.", connections.load());
  text.single("retinaface_held_bytes", "gauge", "Bytes of bodies in memory.", held_bytes.load());
  text.single("process_resident_memory_bytes", "gauge", "Resident memory size in bytes.",
              resident_bytes());
  return text.take();
}

}  // namespace retinaface::server
