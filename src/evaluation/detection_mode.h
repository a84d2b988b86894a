#pragma once

#include <filesystem>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "retinaface/detector.h"

namespace retinaface::evaluation {

/// From which score on faces are judged: average precision sums over all scores, so that even
/// unlikely faces count.
inline constexpr float kMinJudgedScore = 0.02F;

/// In which sizes an image is shown to a detector, as papers distinguish them.
enum class DetectionMode {
  kOriginal,    ///< as it is
  kVga,         ///< the longer side made 640 pixels
  kLarge,       ///< the shorter side made 1600 pixels, or less where the longer would pass 2150
  kMultiScale,  ///< the shorter side made 500, 800, 1100, 1400 and 1700 pixels, each also mirrored,
                ///< and all faces merged by box voting at IoU 0.4 (RetinaFace, section 4.2)
  kAllSizes,    ///< what DetectOptions does by default: its own size, and smaller ones as needed
};

/// "original", "vga", "large", "multiscale", "auto".
std::span<const std::string> detection_mode_names();

/// Throws Error(kInvalidArgument).
DetectionMode detection_mode_by_name(const std::string& name);

/// The factors by which the mode resizes an image of this size; each at most 16, the detector's
/// limit. None for kAllSizes, which leaves them to the detector.
std::vector<float> scales_of(DetectionMode mode, int width, int height);

/// Detects as the mode says; options.scales is not looked at. Throws as Detector::detect.
std::vector<Face> detect(const Detector& detector, const Image& image, DetectionMode mode,
                         DetectOptions options);

/// The same for an image file, as data sets mean it: without turning it. Throws as read_image, too.
std::vector<Face> detect_in_file(const Detector& detector, const std::filesystem::path& path,
                                 DetectionMode mode, DetectOptions options);

/// What finds the faces of an image, called by several threads at once. Throws as detect.
using FindFaces = std::function<std::vector<Face>(const Image& image)>;

}  // namespace retinaface::evaluation
