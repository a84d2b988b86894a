#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "retinaface/image.h"

namespace retinaface::pipeline {

/// A frame on the whole: the pixels of a grid of 64x36, and how often they have which color and
/// which brightness.
class SceneLook {
 public:
  explicit SceneLook(const ImageView& frame);

  /// Whether `next`, the frame after this one, shows another scene: it has other colors, and there
  /// is no likeness. Other colors alone may be a flash, or lights that are turned on or off; no
  /// likeness alone a pan. Of colors, 8x8x8 of them, less than 0.6 are in common; where both frames
  /// have few, as black and white ones and those in shades of one color, less than 0.82 of 32 steps
  /// of brightness. The figures behind it are in reports/scenes.md.
  bool is_cut_to(const SceneLook& next) const;

 private:
  static constexpr int kColumns = 64;
  static constexpr int kRows = 36;
  static constexpr int kLevels = 8;       // of a channel
  static constexpr int kBrightness = 32;  // steps of it
  static constexpr int kChannels = 3;

  bool has_few_colors() const;
  float likeness_to(const SceneLook& next) const;

  std::array<std::array<std::uint8_t, std::size_t{kColumns} * kRows>, kChannels> pixels_{};
  std::array<float, std::size_t{kLevels} * kLevels * kLevels> colors_{};
  std::array<float, kBrightness> brightness_{};
};

}  // namespace retinaface::pipeline
