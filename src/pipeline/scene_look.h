#pragma once

#include <array>

#include "retinaface/image.h"

namespace retinaface::pipeline {

/// The colors of a frame on the whole: a histogram of 8x8x8 colors over a grid of 64x36 pixels.
class SceneLook {
 public:
  explicit SceneLook(const ImageView& frame);

  /// Whether `next`, the frame after this one, shows another scene: they have less than 0.6 of
  /// their colors in common. On training images, pans by up to 15 % of the width a frame have 0.75
  /// or more in common, and 98 % of pairs of different images less than 0.6.
  bool is_cut_to(const SceneLook& next) const;

 private:
  static constexpr int kLevels = 8;  // of a channel

  std::array<float, kLevels * kLevels * kLevels> share_{};
};

}  // namespace retinaface::pipeline
