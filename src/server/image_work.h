#pragma once

#include "retinaface/detector.h"

#include "server/asked.h"
#include "server/message.h"
#include "server/metrics.h"
#include "server/request_images.h"
#include "server/service_options.h"
#include "server/work_budget.h"

namespace retinaface::server {

/// What endpoints do with images: from a whole request to its answer, by the pipeline. Safe to use
/// from several threads.
class ImageWork {
 public:
  /// `options` and `metrics` outlive it.
  ImageWork(const Detector& detector, const ServiceOptions& options, Metrics& metrics);

  /// What the head asks for, checked against what the service has. Throws as asked_of, and
  /// Error(kInvalidArgument) for vectors where there is no recogniser.
  Asked asked_of(const Request& request, const Endpoint& endpoint) const;

  /// The answer to a whole request. Throws Error and Problem.
  Response answer(const Request& request, const Endpoint& endpoint) const;

 private:
  struct Examined;

  /// `reduction` as DetectionJob::reduction gives it.
  Examined examine(const EncodedImage& encoded, const Asked& asked, WorkBudget& budget,
                   int reduction = 1) const;
  Response detect(const Request& request, const Asked& asked) const;
  Response align(const Request& request, const Asked& asked) const;
  std::string aligned_json(const EncodedImage& encoded, const Asked& asked,
                           WorkBudget& budget) const;
  Response blur(const Request& request, const Asked& asked) const;

  const Detector& detector_;
  const ServiceOptions& options_;
  Metrics& metrics_;
};

}  // namespace retinaface::server
