#pragma once

#include <numeric>
#include <random>
#include <string>
#include <vector>

#include "evaluation/wider_evaluation.h"

namespace retinaface::testing {

using Predictions = std::vector<std::vector<evaluation::Detection>>;  // by image

/// Images with whole-number boxes and coarse scores, so that ties and exact overlaps are common.
struct RandomSet {
  evaluation::WiderGroundTruth truth;
  Predictions predictions;

  explicit RandomSet(unsigned seed) {
    std::mt19937 random(seed);
    const auto below = [&](unsigned n) { return static_cast<double>(random() % n); };
    truth.events = {"0--A", "1--B", "2--C"};
    for (int i = 0; i < 24; ++i) {
      evaluation::WiderImage& image = truth.images.emplace_back();
      image.event = static_cast<std::size_t>(i) / 8;
      image.name = "image" + std::to_string(i);
      const auto faces = i % 6 == 0 ? 0 : random() % 9;
      for (std::size_t f = 0; f < faces; ++f) {
        image.faces.push_back({below(60), below(60), below(20), below(20)});
        const auto level = random() % 4;  // in easy and up, medium and up, hard, none
        for (std::size_t s = 0; s < evaluation::kSubsets.size(); ++s) {
          image.counted[s].push_back(level <= s ? 1 : 0);
        }
      }
      auto& found = predictions.emplace_back();
      if (i % 7 == 3) continue;
      for (const evaluation::WiderBox& face : image.faces) {
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

  std::vector<evaluation::ImageMatches> match(const std::vector<std::size_t>& images,
                                              int threads = 1) const {
    return evaluation::match_images(
        truth, images, [&](std::size_t p) { return predictions[p]; }, threads);
  }
};

inline std::vector<std::size_t> all_of(const evaluation::WiderGroundTruth& truth) {
  std::vector<std::size_t> images(truth.images.size());
  std::iota(images.begin(), images.end(), std::size_t{0});
  return images;
}

}  // namespace retinaface::testing
