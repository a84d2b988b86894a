#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "retinaface/image.h"

#include "detection/stage_times.h"
#include "graph/tensor.h"
#include "models/load_model.h"

namespace retinaface::evaluation {

/// Of several times of one thing, in milliseconds.
struct Spread {
  std::size_t runs = 0;
  double min_ms = 0;
  double quarter_ms = 0;  ///< a quarter of the times is shorter
  double median_ms = 0;
  double three_quarters_ms = 0;
};

/// Of at least one time.
Spread spread_of(std::vector<double> ms);

/// What is measured: one row of the table.
struct SpeedQuestion {
  std::string backend;  ///< as runtime::BackendRegistry::make takes it, not empty
  int width = 0;
  int height = 0;
  graph::DataType type = graph::DataType::kFloat32;
  int threads = 1;
};

/// Times are of one image. With T threads T images are worked on side by side, one core each, and
/// the time of each counts 1/T.
struct Speed {
  SpeedQuestion question;
  std::string model;
  bool random_weights = false;  ///< of a model of which no weights are here
  Spread forward;               ///< the network alone
  double multiply_adds = 0;     ///< of the network done directly; Winograd's algorithm needs fewer
  double peak_per_s = 0;       ///< of all the threads' cores, by the type's instruction; 0: unknown
  Spread call;                 ///< from a JPEG in memory to faces, with the default options
  double decode_image_ms = 0;  ///< median's share of it, as the parts below
  detection::StageTimes parts;
  std::size_t faces = 0;
  std::size_t peak_memory_bytes = 0;  ///< of the process during this row; 0: unknown

  double multiply_adds_per_s() const { return multiply_adds / (1e-3 * forward.median_ms); }
};

/// The network and, at full size, the whole call on `image` resized, each for at least `seconds`
/// and five times a thread. Throws Error as detection::DetectorFactory::make does.
Speed measure_speed(const models::LoadedModel& model, const SpeedQuestion& question,
                    const Image& image, double seconds);

/// A drawing of soft blobs, in which there are no faces: what is measured where nobody gave an
/// image.
Image drawn_image(int width, int height);

}  // namespace retinaface::evaluation
