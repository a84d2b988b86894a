#pragma once

#include <atomic>
#include <mutex>
#include <optional>
#include <string>

#include "retinaface/detector.h"

#include "server/image_work.h"
#include "server/message.h"
#include "server/metrics.h"
#include "server/service_options.h"

namespace retinaface::server {

/// Answers requests: what comes before and after detection, without the network. Safe to use from
/// several threads.
class Service {
 public:
  Service(Detector detector, ServiceOptions options);

  /// What can be answered from a request's head, before its body is read: refusals (paths, methods,
  /// keys, options, types), and what is no work. Nothing for what handle() is to be given.
  std::optional<Response> answer_head(const Request& request);

  /// Answers a whole request. Never throws: what goes wrong is an answer too.
  Response handle(const Request& request);

  /// Adds what all answers to this request carry (headers of security, CORS).
  void complete(const Request& request, Response& response) const;

  /// The name of the request's endpoint in metrics.
  static std::string label_of(const Request& request);

  Metrics& metrics() { return metrics_; }
  /// Says from now on, at /readyz, that no more requests should be sent here.
  void end() { is_ready_ = false; }

 private:
  void check_key(const Request& request) const;
  Response answer_at_hand(const Request& request);
  std::string models_json();

  const Detector detector_;
  const ServiceOptions options_;
  Metrics metrics_;
  const ImageWork work_;
  std::atomic<bool> is_ready_ = true;
  std::once_flag models_made_;
  std::string models_;
};

}  // namespace retinaface::server
