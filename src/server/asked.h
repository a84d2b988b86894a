#pragma once

#include <cstddef>
#include <string_view>

#include "pipeline/detection_job.h"
#include "server/endpoint.h"
#include "server/message.h"

namespace retinaface::server {

/// The options of a query that are none of pipeline::job_options(): which face of several an image
/// shows; whether faces get their vectors by the service's recogniser, which the command names.
inline constexpr std::string_view kFaceOption = "face";
inline constexpr std::string_view kEmbedOption = "embed";

/// What a request's head asks for.
struct Asked {
  pipeline::DetectionJob job;
  std::size_t face = 0;
  bool embeds = false;
  std::string_view type;  ///< of the answer, one of the endpoint's

  /// Whether JSON is to say more of each face than a detector does.
  bool describes() const { return job.fields.any() || embeds; }
};

/// Reads the query and Accept of a request to an endpoint that works. Throws
/// Error(kInvalidArgument) naming options as the client did, Problem 406.
Asked asked_of(const Request& request, const Endpoint& endpoint);

}  // namespace retinaface::server
