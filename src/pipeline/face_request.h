#pragma once

#include <filesystem>
#include <optional>

#include "retinaface/recognizer.h"

#include "pipeline/detect_faces.h"

namespace retinaface::pipeline {

/// What is wanted of the faces of an image.
struct FaceRequest {
  DetectOptions detect;
  bool quality = false;                                 ///< each face's FaceQuality
  std::optional<Recognizer> recognizer = std::nullopt;  ///< gives each face its embedding

  /// 1 / N of their sides that JPEG images may be decoded at: that of reduction_for, unless more
  /// than the faces is taken from their pixels.
  int reduction() const;
};

/// detect_faces of detect_faces.h, with all that the request names besides: ImageResult's
/// `qualities` and `embeddings` are each face's, or empty. Throws as Detector::detect and
/// Recognizer::embed.
DetectedFaces detect_faces(const Detector& detector, const FaceRequest& request,
                           const SeenImage& image, const std::filesystem::path& path,
                           const std::optional<video::FrameStamp>& frame = std::nullopt);

}  // namespace retinaface::pipeline
