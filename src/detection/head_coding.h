#pragma once

#include <algorithm>
#include <span>

#include "retinaface/detector.h"

#include "detection/box_coding.h"
#include "models/heads.h"

namespace retinaface::detection {

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

}  // namespace retinaface::detection
