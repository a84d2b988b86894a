#include "models/heads.h"

#include <algorithm>
#include <iterator>

#include <fmt/format.h>

#include "base/check.h"
#include "geometry/mirror.h"

namespace retinaface::models {
namespace {

std::vector<MirroredValue> mirrored_landmarks() {
  std::vector<MirroredValue> values;
  for (const std::size_t counterpart : kMirrorCounterpart) {
    values.push_back({2 * counterpart, -1});
    values.push_back({2 * counterpart + 1, 1});
  }
  return values;
}

std::size_t only_head(std::span<const Head> heads, HeadMeaning meaning) {
  RF_CHECK(std::ranges::count(heads, meaning, &Head::meaning) == 1);
  const auto found = std::ranges::find(heads, meaning, &Head::meaning);
  return static_cast<std::size_t>(found - heads.begin());
}

}  // namespace

const HeadKind& kind_of(HeadMeaning meaning) {
  const auto* const found = std::ranges::find(kHeadKinds, meaning, &HeadKind::meaning);
  RF_CHECK(found != std::end(kHeadKinds));
  return *found;
}

// Names of modules are the public PyTorch family's, loss
// weights the paper's (section 3.3).
const std::vector<Head>& face_heads() {
  static const std::vector<Head> heads = {
      {.name = "cls",
       .module = "ClassHead",
       .values = kind_of(HeadMeaning::kScore).max_values,
       .meaning = HeadMeaning::kScore,
       .loss = HeadLoss::kCrossEntropy,
       .loss_weight = 1},
      {.name = "box",
       .module = "BboxHead",
       .values = kind_of(HeadMeaning::kBox).max_values,
       .meaning = HeadMeaning::kBox,
       .loss = HeadLoss::kSmoothL1,
       .loss_weight = 0.25F,
       .mirrored = {{0, -1}, {1, 1}, {2, 1}, {3, 1}}},
      {.name = "landmarks",
       .module = "LandmarkHead",
       .values = kind_of(HeadMeaning::kLandmarks).max_values,
       .meaning = HeadMeaning::kLandmarks,
       .loss = HeadLoss::kSmoothL1,
       .loss_weight = 0.1F,
       .mirrored = mirrored_landmarks()},
  };
  return heads;
}

std::string output_name(const Head& head, std::size_t level) {
  return fmt::format("{}.{}", head.name, level);
}

std::size_t score_head(std::span<const Head> heads) {
  return only_head(heads, HeadMeaning::kScore);
}

std::size_t box_head(std::span<const Head> heads) {
  return only_head(heads, HeadMeaning::kBox);
}

}  // namespace retinaface::models
