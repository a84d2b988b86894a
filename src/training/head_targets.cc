#include "training/head_targets.h"

#include "base/check.h"
#include "detection/head_coding.h"

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
  Face wanted;
  wanted.box = face.box;
  wanted.landmarks = dataset::landmarks_of(face);
  if (const auto values = face.values.find(head.name); values != face.values.end()) {
    wanted.values = values->second;
  }
  detection::encode_head(head, anchor, wanted, family, target);
}

}  // namespace retinaface::training
