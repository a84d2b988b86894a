#include "evaluation/detection_mode.h"

#include <algorithm>
#include <array>

#include "base/check.h"
#include "dataset/annotated_image.h"
#include "detection/voting.h"

namespace retinaface::evaluation {
namespace {

constexpr float kVgaSide = 640;
constexpr float kLargeShortSide = 1600;
constexpr float kLargeLongSide = 2150;
constexpr float kShortSides[] = {500, 800, 1100, 1400, 1700};
constexpr float kVotingIou = 0.4F;
constexpr float kMaxScale = 16;

std::vector<Face> detect_and_vote(const Detector& detector, const Image& image,
                                  DetectOptions options) {
  options.nms_iou = 1;  // voting wants all faces of all passes
  std::vector<Face> faces = detector.detect(image, options);
  for (const Face& face : detector.detect(detection::mirrored(image), options)) {
    faces.push_back(detection::mirrored(face, image.width()));
  }
  return detection::vote(std::move(faces), kVotingIou);
}

}  // namespace

std::span<const std::string> detection_mode_names() {
  static const std::array<std::string, 5> kNames = {"original", "vga", "large", "multiscale",
                                                    "auto"};
  return kNames;
}

DetectionMode detection_mode_by_name(const std::string& name) {
  const auto names = detection_mode_names();
  const auto found = std::ranges::find(names, name);
  if (found == names.end()) {
    fail(ErrorCode::kInvalidArgument,
         "mode: expected original, vga, large, multiscale or auto, found '{}'", name);
  }
  return static_cast<DetectionMode>(found - names.begin());
}

std::vector<float> scales_of(DetectionMode mode, int width, int height) {
  const auto longer = static_cast<float>(std::max(width, height));
  const auto shorter = static_cast<float>(std::min(width, height));
  std::vector<float> scales;
  switch (mode) {
    case DetectionMode::kOriginal:
      scales = {1};
      break;
    case DetectionMode::kVga:
      scales = {kVgaSide / longer};
      break;
    case DetectionMode::kLarge:
      scales = {std::min(kLargeShortSide / shorter, kLargeLongSide / longer)};
      break;
    case DetectionMode::kMultiScale:
      for (const float side : kShortSides) scales.push_back(side / shorter);
      break;
    case DetectionMode::kAllSizes:
      break;
  }
  for (float& scale : scales) scale = std::min(scale, kMaxScale);
  return scales;
}

std::vector<Face> detect(const Detector& detector, const Image& image, DetectionMode mode,
                         DetectOptions options) {
  options.scales = scales_of(mode, image.width(), image.height());
  return mode == DetectionMode::kMultiScale ? detect_and_vote(detector, image, std::move(options))
                                            : detector.detect(image, options);
}

std::vector<Face> detect_in_file(const Detector& detector, const std::filesystem::path& path,
                                 DetectionMode mode, DetectOptions options) {
  const Image image = dataset::read_annotated_image(path);
  return detect(detector, image, mode, std::move(options));
}

}  // namespace retinaface::evaluation
