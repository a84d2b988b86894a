#include "pipeline/scene_look.h"

#include <algorithm>
#include <cstddef>
#include <vector>

#include "image/convert.h"

namespace retinaface::pipeline {

SceneLook::SceneLook(const ImageView& frame) {
  constexpr int kColumns = 64;
  constexpr int kRows = 36;
  std::vector<std::uint8_t> rgb(3 * static_cast<std::size_t>(frame.width));
  for (int row = 0; row < kRows; ++row) {
    const auto middle = [](int i, int count, int side) {
      return static_cast<int>((std::int64_t{2} * i + 1) * side / (std::int64_t{2} * count));
    };
    copy_row_as_rgb(frame, middle(row, kRows, frame.height), rgb);
    for (int column = 0; column < kColumns; ++column) {
      const std::uint8_t* const pixel = rgb.data() + 3 * middle(column, kColumns, frame.width);
      constexpr int kStep = 256 / kLevels;
      const int color =
          (pixel[0] / kStep * kLevels + pixel[1] / kStep) * kLevels + pixel[2] / kStep;
      share_[static_cast<std::size_t>(color)] += 1.0F / (kColumns * kRows);
    }
  }
}

bool SceneLook::is_cut_to(const SceneLook& next) const {
  constexpr float kMinCommon = 0.6F;
  float common = 0;
  for (std::size_t i = 0; i < share_.size(); ++i) common += std::min(share_[i], next.share_[i]);
  return common < kMinCommon;
}

}  // namespace retinaface::pipeline
