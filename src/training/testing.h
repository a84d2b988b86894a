#pragma once

#include <algorithm>
#include <cstdint>
#include <limits>
#include <vector>

#include <gtest/gtest.h>

#include "base/random.h"
#include "models/catalogue.h"
#include "training/loss.h"

namespace retinaface::training::testing {

// Two anchors a cell on a 2 x 2 grid, one on a 1 x 1 grid.
inline const models::AnchorFamily kFamily = {.levels = {{8, {8, 12}}, {16, {16}}}};
inline constexpr std::int64_t kSide = 16;

/// Outputs of two images and room for their gradients.
struct Outputs {
  std::vector<std::vector<float>> values;
  std::vector<std::vector<float>> gradients;

  explicit Outputs(std::uint64_t seed) {
    Random random(seed);
    for (const std::size_t width : {2U, 4U, 10U}) {
      for (const std::size_t anchors : {8U, 1U}) {
        values.emplace_back(2 * anchors * width);
        for (float& value : values.back()) value = static_cast<float>(2 * random.normal());
        gradients.emplace_back(values.back().size(), 99.0F);
      }
    }
  }

  NetworkOutputs views() {
    NetworkOutputs outputs(models::face_heads().size());
    for (std::size_t i = 0; i < values.size(); ++i) {
      outputs[i / 2].values.emplace_back(values[i]);
      outputs[i / 2].gradients.emplace_back(gradients[i]);
    }
    return outputs;
  }
};

/// Checks the gradients that `loss`, called once, has left in the outputs against central
/// differences of it by every value of the first `maps` of them; returns how many of those are not
/// 0.
template <typename Loss>
std::size_t expect_gradients(Outputs& outputs, const Loss& loss,
                             std::size_t maps = std::numeric_limits<std::size_t>::max()) {
  const auto gradients = outputs.gradients;
  std::size_t checked = 0;
  for (std::size_t i = 0; i < std::min(maps, outputs.values.size()); ++i) {
    for (std::size_t j = 0; j < outputs.values[i].size(); ++j) {
      constexpr float kStep = 1e-3F;
      const float value = outputs.values[i][j];
      outputs.values[i][j] = value + kStep;
      const double above = loss();
      outputs.values[i][j] = value - kStep;
      const double below = loss();
      outputs.values[i][j] = value;
      const double numeric = (above - below) / (2 * static_cast<double>(kStep));
      EXPECT_NEAR(static_cast<double>(gradients[i][j]), numeric, 2e-3) << i << " " << j;
      checked += numeric != 0 ? 1U : 0U;
    }
  }
  return checked;
}

}  // namespace retinaface::training::testing
