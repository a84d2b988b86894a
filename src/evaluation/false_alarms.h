#pragma once

#include <cstddef>
#include <filesystem>
#include <mutex>
#include <span>
#include <vector>

#include "retinaface/image.h"

#include "evaluation/wider_evaluation.h"
#include "evaluation/wider_files.h"
#include "evaluation/wider_ground_truth.h"

namespace retinaface::evaluation {

// Not every false positive of the protocol is a false alarm: a face whose box is a little off
// counts as one, and so does a face that nobody annotated. What overlaps no annotated face at all
// is few enough to be looked at.

/// A detection overlaps a face at all from this IoU on.
inline constexpr double kMinFaceOverlap = 0.2;

/// Those of an image's detections that overlap none of its faces, whether these count or not.
std::vector<Detection> find_false_alarms(const WiderImage& image,
                                         std::span<const Detection> detections);

/// The detection's box and as much again around it, cut out of its image; the longer side becomes
/// `side_px`.
Image draw_false_alarm(const Image& image, const Detection& detection, int side_px);

/// Collects false alarms, from any thread, while images are judged.
class FalseAlarms {
 public:
  /// `truth` must outlive it.
  explicit FalseAlarms(const WiderGroundTruth& truth) : truth_(truth) {}

  /// Adds those of an image, given by its index in the ground truth.
  void add(std::size_t image, std::span<const Detection> detections);

  std::size_t count() const;
  /// How many detections were looked at.
  std::size_t detections() const;

  /// Draws all into `folder`, which is made, as NUMBER_SCORE_NAME.png, numbered from 1 by falling
  /// score. `images` are the files of those that have some. Throws Error as read_image and
  /// write_image do.
  void draw(const std::filesystem::path& folder, const WiderFiles& images) const;

 private:
  struct Alarm {
    std::size_t image = 0;  ///< index in the ground truth
    Detection detection;
  };

  const WiderGroundTruth& truth_;
  mutable std::mutex mutex_;
  std::size_t detections_ = 0;
  std::vector<Alarm> alarms_;
};

/// The same detections, told to `alarms` as they come. `alarms` must outlive it.
DetectionSource telling(FalseAlarms& alarms, DetectionSource source);

}  // namespace retinaface::evaluation
