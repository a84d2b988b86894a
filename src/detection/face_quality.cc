#include "retinaface/face_quality.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <numbers>
#include <optional>
#include <vector>

#include "retinaface/alignment.h"

#include "detection/aligned_size.h"
#include "geometry/head_pose.h"
#include "geometry/similarity.h"
#include "image/convert.h"
#include "image/sharpness.h"
#include "image/warp.h"

namespace retinaface {
namespace {

/// Sharpness of the aligned face, without what lies outside the image and is black there.
float sharpness_of_face(const ImageView& image, const Similarity& image_from_aligned) {
  const Image face = warp(image, image_from_aligned, kAlignedSide, kAlignedSide);
  std::vector<std::uint8_t> mask;
  for (int y = 0; y < kAlignedSide; ++y) {
    for (int x = 0; x < kAlignedSide; ++x) {
      const Point place =
          image_from_aligned({static_cast<float>(x) + 0.5F, static_cast<float>(y) + 0.5F});
      const bool is_inside = place.x >= 0 && place.x < static_cast<float>(image.width) &&
                             place.y >= 0 && place.y < static_cast<float>(image.height);
      mask.push_back(is_inside ? 1 : 0);
    }
  }
  return sharpness(face, mask);
}

}  // namespace

HeadPose head_pose(const Landmarks& landmarks) {
  return fit_head(landmarks).pose;
}

FaceQuality face_quality(const ImageView& image, const Face& face) {
  constexpr double kUsualDeviation = 0.1;  // eye distances, at which the points are worth half
  check_view(image, "image");
  const std::optional<Similarity> place =
      image_from_template(face.landmarks, aligned_landmarks(kAlignedSide));
  if (!place) return {};
  const HeadFit fit = fit_head(face.landmarks);
  FaceQuality quality;
  quality.pose = face.mesh ? face.mesh->pose : fit.pose;
  quality.sharpness = sharpness_of_face(image, *place);
  const float side = std::min(face.box.width(), face.box.height()) / kAlignedSide;
  quality.size = side > 0 ? std::min(side, 1.0F) : 0.0F;
  const auto cosine = [](float degrees) {
    return std::max(0.0F, std::cos(degrees * std::numbers::pi_v<float> / 180));
  };
  quality.frontality = cosine(quality.pose.yaw) * cosine(quality.pose.pitch);
  const double deviation = fit.deviation / kUsualDeviation;
  quality.spread = static_cast<float>(1 / (1 + deviation * deviation));
  const double product = double{quality.sharpness} * double{quality.size} *
                         double{quality.frontality} * double{quality.spread};
  quality.score = static_cast<float>(std::pow(product, 0.25));
  return quality;
}

}  // namespace retinaface
