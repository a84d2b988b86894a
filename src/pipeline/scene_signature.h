#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "retinaface/image.h"

namespace retinaface::pipeline {

/// A frame on the whole: the pixels of a grid of 64x36.
class SceneSignature {
 public:
  explicit SceneSignature(const ImageView& frame);

  /// Whether `next`, the frame after this one, shows another scene: it has other colors, and there
  /// is no likeness. Other colors alone may be a flash, or lights that are turned on or off; no
  /// likeness alone a pan. Of colors, 8x8x8 of them, less than 0.6 are in common; where both frames
  /// have few, as black and white ones and those in shades of one color, less than 0.82 of 32 steps
  /// of brightness. Bars of one color around what both frames show count in neither. The figures
  /// behind it are in reports/scenes.md.
  bool is_cut_to(const SceneSignature& next) const;

 private:
  static constexpr int kColumns = 64;
  static constexpr int kRows = 36;

  /// A part of the grid.
  struct Part {
    int left = 0;
    int top = 0;
    int width = kColumns;
    int height = kRows;

    int cells() const { return width * height; }
  };

  /// How often the cells of a part have which color and which brightness, as shares.
  struct Histograms {
    static constexpr int kLevels = 8;  // of a channel
    static constexpr int kBrightness = 32;
    std::array<float, std::size_t{kLevels} * kLevels * kLevels> colors{};
    std::array<float, kBrightness> brightness{};

    bool has_few_colors() const;
  };

  using Color = std::array<std::uint8_t, 3>;

  const Color& at(int column, int row) const {
    return pixels_[static_cast<std::size_t>(row * kColumns + column)];
  }
  Part without_bars(const SceneSignature& next) const;
  Histograms histograms(const Part& part) const;
  float likeness_to(const SceneSignature& next, const Part& part) const;

  std::array<Color, std::size_t{kColumns} * kRows> pixels_{};
};

}  // namespace retinaface::pipeline
