#pragma once

#include <algorithm>
#include <span>

#include "retinaface/face.h"

#include "base/check.h"
#include "detection/box_coding.h"
#include "models/heads.h"

namespace retinaface::detection {

// The one place that knows what a head's values say of a face: both ways, by its meaning. What a
// new meaning needs besides is what annotations say of it (training/head_targets.h).

/// Gives the face what the values of a head at an anchor say. Those of scores say nothing here:
/// decode has read them.
inline void decode_head(const models::Head& head, const Anchor& anchor,
                        std::span<const float> values, const models::AnchorFamily& family,
                        Face& face) {
  switch (head.meaning) {
    case models::HeadMeaning::kScore:
      return;
    case models::HeadMeaning::kBox: {
      BoxOffsets offsets;
      std::ranges::copy(values, offsets.begin());
      face.box = decode_box(anchor, offsets, family);
      return;
    }
    case models::HeadMeaning::kLandmarks: {
      LandmarkOffsets offsets;
      std::ranges::copy(values, offsets.begin());
      face.landmarks = decode_landmarks(anchor, offsets, family);
      return;
    }
    case models::HeadMeaning::kValues:
      face.values.insert(face.values.end(), values.begin(), values.end());
      return;
  }
}

/// The inverse: what the head has to give at the anchor, but for scores, to say this of a face,
/// whose box has an area; of Face::values there are the head's alone. Into `target`, of head.values
/// values. Throws Error(kBadData) for another number of them.
inline void encode_head(const models::Head& head, const Anchor& anchor, const Face& face,
                        const models::AnchorFamily& family, std::span<float> target) {
  const auto give = [&](std::span<const float> values) {
    if (values.size() != target.size()) {
      fail(ErrorCode::kBadData, "{}: expected {} values of a face, found {}", head.name,
           target.size(), values.size());
    }
    std::ranges::copy(values, target.begin());
  };
  switch (head.meaning) {
    case models::HeadMeaning::kScore:
      RF_CHECK(false);
      return;
    case models::HeadMeaning::kBox:
      return give(encode_box(anchor, face.box, family));
    case models::HeadMeaning::kLandmarks:
      return give(encode_landmarks(anchor, face.landmarks, family));
    case models::HeadMeaning::kValues:
      return give(face.values);
  }
}

}  // namespace retinaface::detection
