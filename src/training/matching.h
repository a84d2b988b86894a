#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "dataset/annotation.h"
#include "models/catalogue.h"

namespace retinaface::training {

/// Which anchors become a face's.
///   kIou   those of an IoU with it of at least `positive_iou` (paper, section 3.3; with
///          `force_best` the rule of SSD, Liu et al. 2016)
///   kAtss  of the `candidates` anchors of each level that are nearest to its centre those whose
///          IoU with it is at least the mean of all candidates' and their standard deviation, and
///          whose centre lies in its box (adaptive training sample selection, Zhang et al. 2020):
///          a face gets some whatever its size. All others are background.
enum class MatchingMethod { kIou, kAtss };

/// Which anchors are faces and which are not.
struct MatchingOptions {
  MatchingMethod method = MatchingMethod::kIou;
  int candidates = 9;         ///< of kAtss, per level
  float positive_iou = 0.5F;  ///< at least this much overlap makes an anchor a face's
  float negative_iou = 0.3F;  ///< below this much it is background; between the two it is neither
  /// kIou: the best anchor of each face is the face's in any case; kAtss: a face that gets none
  /// gets the best of its candidates that are no other face's ...
  bool force_best = false;
  float force_above_iou = 0.2F;   ///< ... unless even it overlaps by less than this
  float ignored_face_iou = 0.3F;  ///< overlap with an ignored face from which on it is neither
};

inline constexpr std::int32_t kBackground = -1;
inline constexpr std::int32_t kNeither = -2;

/// For each anchor of an image of height x width pixels, in the order of detection::make_anchors:
/// the index of its face, kBackground or kNeither; background that overlaps an ignored face by
/// `ignored_face_iou` is neither. An anchor that several faces want is the one's
/// that it overlaps most; a forced anchor is the last face's that forces it.
std::vector<std::int32_t> match_anchors(const models::AnchorFamily& family, std::int64_t height,
                                        std::int64_t width,
                                        std::span<const dataset::AnnotatedFace> faces,
                                        const MatchingOptions& options);

}  // namespace retinaface::training
