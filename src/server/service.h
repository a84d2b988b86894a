#pragma once

#include <atomic>
#include <cstdint>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "retinaface/detector.h"

#include "pipeline/detection_job.h"
#include "server/message.h"
#include "server/metrics.h"

namespace retinaface::server {

struct ServiceOptions {
  static constexpr std::int64_t kDefaultMaxPixels = 50'000'000;
  static constexpr int kDefaultMaxDescribed = 1000;

  std::string model{};                          ///< what the detector was loaded by
  std::int64_t max_pixels = kDefaultMaxPixels;  ///< of a request's images together
  /// Faces of a request that get meshes or figures of quality; a mesh takes 25 kB of JSON, figures
  /// some tenths of a millisecond.
  int max_described = kDefaultMaxDescribed;
  std::vector<std::string> api_keys{};  ///< one of which a client must know; empty: none
  std::string cors_origin{};            ///< whose pages may ask; empty: none but our own
};

/// One thing that can be asked for: a row of endpoints().
struct Endpoint {
  const char* path;
  const char* method;
  const char* summary;
  bool needs_key = false;  ///< where the service has keys
  /// An image is worked on, by a thread made for it. All other answers are at hand.
  bool is_work = false;
  /// Media types of the answer, the first where the client does not say.
  std::vector<std::string_view> types;
  /// Names of pipeline::job_options() that its query takes, and of kFaceOption.
  std::vector<std::string_view> options{};
};

const std::vector<Endpoint>& endpoints();

/// The one option of a query that is no option of the command: which face of several.
inline constexpr std::string_view kFaceOption = "face";

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
  struct EncodedImage;
  struct Examined;
  struct Budget;

  void check_key(const Request& request) const;
  Response answer_at_hand(const Request& request);
  std::string models_json();
  Examined examine(const EncodedImage& encoded, const pipeline::DetectionJob& job, Budget& budget);
  Response detect(const Request& request, const Endpoint& endpoint);
  Response align(const Request& request, const Endpoint& endpoint);
  Response blur(const Request& request, const Endpoint& endpoint);

  const Detector detector_;
  const ServiceOptions options_;
  Metrics metrics_;
  std::atomic<bool> is_ready_ = true;
  std::once_flag models_made_;
  std::string models_;
};

}  // namespace retinaface::server
