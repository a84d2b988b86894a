// A network that learns eight images by heart finds every face in them: if it does not, something
// between the labels and the weights is wrong.
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>

#include <gtest/gtest.h>

#include "support/testing.h"
#include "support/training_set.h"

namespace retinaface {
namespace {

using nlohmann::json;

constexpr const char* kRecipe = R"(
model = "mnet025"
[input]
side_px = 192
batch = 8
[augmentation]
crop = [1, 1]
flip = 0
brightness = 0
contrast = 0
saturation = 0
hue_degrees = 0
[matching]
positive_iou = 0.35
negative_iou = 0.35
force_best = true
[loss]
box_weight = 2
landmarks_weight = 1
negatives_per_positive = 7
[optimizer]
max_gradient = 20
[schedule]
learning_rate = 0.02
warmup_epochs = 20
epochs = 400
decay = "cosine"
[validation]
every_epochs = 1000
)";

TEST(Overfit, EightImagesAreLearntByHeart) {
  const testing::TemporaryFolder folder;
  testing::write_training_set(folder / "data", 8, 192, 10);
  std::ofstream(folder / "recipe.toml") << kRecipe;
  const auto result = testing::run("cd '" + folder.path().string() +
                                   "' && '" RETINAFACE_PROGRAM
                                   "' train recipe.toml --data data --val data --out run");
  ASSERT_EQ(result.exit_code, 0) << result.errors;

  std::ifstream lines(folder / "run/metrics.jsonl");
  double ap = 0;
  double loss = 0;
  for (std::string line; std::getline(lines, line);) {
    const json entry = json::parse(line);
    ap = entry.value("ap", ap);
    loss = entry.value("loss", loss);
  }
  EXPECT_GE(ap, 99) << result.errors;
  EXPECT_LT(loss, 1);
}

}  // namespace
}  // namespace retinaface
