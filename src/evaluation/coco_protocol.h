#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "evaluation/wider_protocol.h"

namespace retinaface::evaluation {

/// One image in the terms of COCO's evaluation. Boxes are continuous, without WIDER's +1.
struct CocoImage {
  std::vector<WiderBox> faces;
  /// By face: 1 where it is ignored, as COCO's crowds are. A detection that meets no other face
  /// and lies in an ignored one by at least the IoU that is asked for (measured by the detection's
  /// own area) is neither right nor wrong.
  std::vector<std::uint8_t> ignored;
  std::vector<Detection> detections;
};

/// COCO's figures, each in [0, 1]; empty where no face of that size is annotated. "Small" is an
/// area up to 32^2 pixels, "medium" to 96^2, "large" from there.
struct CocoReport {
  std::optional<double> ap;     ///< mean over the IoU thresholds 0.50, 0.55 ... 0.95
  std::optional<double> ap_50;  ///< at IoU 0.50
  std::optional<double> ap_75;
  std::optional<double> ap_small;
  std::optional<double> ap_medium;
  std::optional<double> ap_large;
  /// Mean over the IoU thresholds of the recall with at most 1, 10 and 100 detections an image.
  std::optional<double> ar_1;
  std::optional<double> ar_10;
  std::optional<double> ar_100;
};

/// Judges as COCO's evaluation of boxes does (Lin et al. 2014, cocodataset.org/#detection-eval):
/// the 100 best detections of an image in order of score, each matched to the free face that it
/// overlaps most; precision made to fall with recall and read at the recalls 0, 0.01 ... 1.
CocoReport evaluate_coco(std::span<const CocoImage> images);

}  // namespace retinaface::evaluation
