#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "retinaface/export.h"

namespace retinaface {

/// Where the weights of a model come from.
enum class WeightsOrigin {
  kNone,     ///< nowhere: they have to be made, by `retinaface train` or `retinaface import`
  kBuiltIn,  ///< from inside the library
  kFile,
  kMemory  ///< from the caller
};

/// What is known of a model without running it.
struct ModelInfo {
  std::string name;     ///< as Detector's constructor takes it where there are weights
  std::string summary;  ///< one line
  WeightsOrigin weights_origin = WeightsOrigin::kNone;
  /// The file's path, or the name that the caller gave for bytes; else empty.
  std::string weights_source;
  std::vector<int> strides_px;  ///< of the levels of its anchors, finest first
  std::int64_t parameters = 0;  ///< learned values; the statistics of normalisation do not count
  /// Multiply-adds of its convolutions for one image of the size that was asked for; 0 where its
  /// network takes none of that size.
  std::int64_t multiply_adds = 0;
};

/// The models that the library knows, variants of a network too, in the order of its catalogue;
/// multiply-adds for images of width x height pixels.
/// Throws Error(kInvalidArgument) for a side that is not from 1 to 65536.
RETINAFACE_API std::vector<ModelInfo> known_models(int width = 640, int height = 480);

}  // namespace retinaface
