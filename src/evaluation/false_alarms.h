#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "retinaface/image.h"

#include "evaluation/wider_ground_truth.h"

namespace retinaface::evaluation {

// Not every false positive of the protocol is a false alarm: a face whose box is a little off
// counts as one, and so does a face that nobody annotated. What overlaps no annotated face at all
// is few enough to be looked at.

/// A detection overlaps a face at all from this IoU on.
inline constexpr double kMinFaceOverlap = 0.2;

struct FalseAlarm {
  std::size_t image = 0;  ///< index in the ground truth
  Detection detection;
};

/// Those of an image's detections that overlap none of its faces, whether these count or not.
std::vector<Detection> find_false_alarms(const WiderImage& image,
                                         std::span<const Detection> detections);

/// The detection's box and as much again around it, cut out of its image; the longer side becomes
/// `side_px`.
Image draw_false_alarm(const Image& image, const Detection& detection, int side_px);

}  // namespace retinaface::evaluation
