#pragma once

#include <optional>
#include <span>

#include "dataset/annotation.h"

namespace retinaface::dataset {

/// What is known of a face besides box, points and whether it is ignored, as one number by name:
/// for formats that have room for names of our own.
struct FaceProperty {
  const char* name;
  const char* range;  ///< for messages: what set() takes
  /// The value; none where it is the usual one and need not be written.
  std::optional<float> (*get)(const AnnotatedFace& face);
  /// False, and nothing changed, for a value out of range.
  bool (*set)(AnnotatedFace& face, float value);
};

std::span<const FaceProperty> face_properties();

}  // namespace retinaface::dataset
