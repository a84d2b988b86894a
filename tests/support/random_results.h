#pragma once

#include <numeric>
#include <random>
#include <string>
#include <vector>

#include "evaluation/wider_evaluation.h"

namespace retinaface::testing {

using Predictions = std::vector<std::vector<evaluation::Detection>>;  // by picture

/// Pictures with whole-number boxes and coarse scores, so that ties and exact overlaps are common.
struct RandomSet {
  evaluation::WiderGroundTruth truth;
  Predictions predictions;

  explicit RandomSet(unsigned seed) {
    std::mt19937 random(seed);
    const auto below = [&](unsigned n) { return static_cast<double>(random() % n); };
    truth.events = {"0--A", "1--B", "2--C"};
    for (int i = 0; i < 24; ++i) {
      evaluation::WiderPicture& picture = truth.pictures.emplace_back();
      picture.event = static_cast<std::size_t>(i) / 8;
      picture.name = "picture" + std::to_string(i);
      const auto faces = i % 6 == 0 ? 0 : random() % 9;
      for (std::size_t f = 0; f < faces; ++f) {
        picture.faces.push_back({below(60), below(60), below(20), below(20)});
        const auto level = random() % 4;  // in easy and up, medium and up, hard, none
        for (std::size_t s = 0; s < evaluation::kSubsets.size(); ++s) {
          picture.counted[s].push_back(level <= s ? 1 : 0);
        }
      }
      auto& found = predictions.emplace_back();
      if (i % 7 == 3) continue;
      for (const evaluation::WiderBox& face : picture.faces) {
        for (auto copies = random() % 3; copies > 0; --copies) {
          found.push_back(
              {{face.x + below(4), face.y + below(4), face.width + below(3), face.height},
               0.02 + below(40) / 50});
        }
      }
      for (auto wrong = random() % 5; wrong > 0; --wrong) {
        found.push_back({{below(60), below(60), below(20), below(20)}, 0.02 + below(20) / 50});
      }
    }
  }

  std::vector<evaluation::PictureMatches> match(const std::vector<std::size_t>& pictures,
                                                int threads = 1) const {
    return evaluation::match_pictures(
        truth, pictures, [&](std::size_t p) { return predictions[p]; }, threads);
  }
};

inline std::vector<std::size_t> all_of(const evaluation::WiderGroundTruth& truth) {
  std::vector<std::size_t> pictures(truth.pictures.size());
  std::iota(pictures.begin(), pictures.end(), std::size_t{0});
  return pictures;
}

}  // namespace retinaface::testing
