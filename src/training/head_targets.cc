#include "training/head_targets.h"

#include <algorithm>

#include "base/check.h"
#include "detection/box_coding.h"

namespace retinaface::training {

using models::HeadMeaning;

bool has_target(const models::Head& head, const dataset::AnnotatedFace& face,
                float min_points_score) {
  switch (head.meaning) {
    case HeadMeaning::kScore:
      return true;
    case HeadMeaning::kBox:
      return !face.box_is_estimate;
    case HeadMeaning::kLandmarks:
      return dataset::has_landmarks(face) && face.points_score >= min_points_score;
    case HeadMeaning::kValues:
      return face.values.contains(head.name);
  }
  RF_CHECK(false);
  return false;
}

void encode_target(const models::Head& head, const detection::Anchor& anchor,
                   const dataset::AnnotatedFace& face, const models::AnchorFamily& family,
                   std::span<float> target) {
  const auto give = [&](std::span<const float> values) {
    if (values.size() != target.size()) {
      fail(ErrorCode::kBadData, "{}: expected {} values of a face, found {}", head.name,
           target.size(), values.size());
    }
    std::ranges::copy(values, target.begin());
  };
  switch (head.meaning) {
    case HeadMeaning::kScore:
      RF_CHECK(false);
      return;
    case HeadMeaning::kBox:
      return give(detection::encode_box(anchor, face.box, family));
    case HeadMeaning::kLandmarks:
      return give(detection::encode_landmarks(anchor, dataset::landmarks_of(face), family));
    case HeadMeaning::kValues:
      return give(face.values.find(head.name)->second);
  }
}

}  // namespace retinaface::training
