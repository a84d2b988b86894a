// `retinaface train` with recipes, sets and weights that are wrong in part or as a whole, and with
// a loss that explodes.

#include <filesystem>
#include <fstream>
#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "graph/weights.h"
#include "support/testing.h"
#include "support/train_runs.h"

namespace retinaface {
namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using testing::count;
using ::testing::HasSubstr;
using ::testing::Not;
using testing::Train;

TEST_F(Train, RefusesAWrongRecipeInOneLine) {
  const std::pair<const char*, std::vector<const char*>> cases[] = {
      {"model = \"mnet025\"\nmodle = 1\n", {"bad.toml:2:", "'modle'", "expected one of", "model"}},
      {"[loss]\ncls_weigth = 1\n", {"bad.toml:2:", "'cls_weigth' in [loss]", "cls_weight"}},
      {"[input]\nside_px = \"big\"\n", {"bad.toml:2:", "expected a whole number for side_px"}},
      {"[input]\nside_px = 7\n", {"bad.toml:2:", "expected side_px from 32 to 8192, found 7"}},
      {"[schedule]\ndecay = \"stairs\"\n", {"bad.toml:2:", "expected 'steps' or 'cosine'"}},
      {"[optimizer]\nfrozen = [\"bodi\"]\n", {"bad.toml:", "frozen", "'bodi'", "body."}},
      {"model = \"mnet\"\n", {"bad.toml:", "mnet025"}},
      {"[input\n", {"bad.toml:1:", "not TOML"}},
  };
  for (const auto& [text, parts] : cases) {
    write("bad.toml", text);
    const auto result = train("bad.toml --data data --out bad");
    EXPECT_EQ(result.exit_code, 1);
    EXPECT_EQ(count(result.errors, "\n"), 1U) << result.errors;
    for (const char* part : parts) EXPECT_THAT(result.errors, HasSubstr(part));
    EXPECT_FALSE(fs::exists(folder_ / "bad"));
  }
  const auto result = train("small.toml --set schedule.epoch=3 --data data --out bad");
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_EQ(count(result.errors, "\n"), 1U) << result.errors;
  EXPECT_THAT(result.errors, HasSubstr("--set 'schedule.epoch=3':1: no recipe has a key 'epoch'"));
  EXPECT_FALSE(fs::exists(folder_ / "bad"));
}

TEST_F(Train, NamesWhatIsMissing) {
  const auto expect_error = [&](const std::string& arguments, const std::string& name) {
    const auto result = train(arguments + " --out out");
    EXPECT_EQ(result.exit_code, 1) << arguments;
    EXPECT_THAT(result.errors, HasSubstr(name));
    EXPECT_FALSE(fs::exists(folder_ / "out/checkpoint.safetensors"));
  };
  expect_error("none.toml --data data", "none.toml");
  expect_error("small.toml --data none", "none: No such file");
  expect_error("small.toml --data data --val none", "none: No such file");
  expect_error("small.toml --data data --init none.safetensors", "none.safetensors");
  expect_error("small.toml --data data --teacher none.safetensors", "none.safetensors");
  fs::remove_all(folder_ / "data/images");
  expect_error("small.toml --data data", "data/images");
}

TEST_F(Train, ReadsTheChosenCategory) {
  write("data/heads.json", R"({
      "images": [{"id": 1, "file_name": "0.png"}],
      "categories": [{"id": 1, "name": "hand"}, {"id": 2, "name": "head"}],
      "annotations": [{"image_id": 1, "category_id": 2, "bbox": [20, 20, 40, 40]}]})");
  const std::string common = "small.toml --data data --data data/heads.json --out run --steps 1";
  const auto guess = train(common);
  EXPECT_EQ(guess.exit_code, 1);
  EXPECT_THAT(guess.errors, AllOf(HasSubstr("data/heads.json"), HasSubstr("--category")));
  const auto chosen = train(common + " --val data/heads.json --category head");
  EXPECT_EQ(chosen.exit_code, 0) << chosen.errors;
}

TEST_F(Train, GoesOnWithoutAnImageThatCannotBeRead) {
  const auto images = folder_ / "data" / "images";
  const fs::path damaged = fs::directory_iterator(images)->path();
  fs::resize_file(damaged, 20);
  const auto result = train("small.toml --data data --out out --val data --steps 2");
  EXPECT_EQ(result.exit_code, 0) << result.errors;
  EXPECT_EQ(count(result.errors, "another image takes its place"), 1U) << result.errors;
  EXPECT_EQ(count(result.errors, "left out of the validation"), 1U) << result.errors;
  EXPECT_EQ(count(result.errors, damaged.filename().string()), 2U) << result.errors;
  EXPECT_THAT(result.errors, HasSubstr("the last weights:  ap "));
}

TEST_F(Train, SaysWhatItCannotLearn) {
  write("data/label.txt", "# a.png\n5 5 0 10\n# b.png\n");
  const auto none = train("small.toml --data data --out out");
  EXPECT_EQ(none.exit_code, 1);
  EXPECT_THAT(none.errors, HasSubstr("no face to learn among 2 images (0 ignored, 1 of boxes"));
  EXPECT_THAT(none.errors, HasSubstr("--data: expected annotated faces to learn, found none"));
  write("data/label.txt", "# a.png\n500 5 10 10\n");
  fs::copy_file(fs::directory_iterator(folder_ / "data/images")->path(),
                folder_ / "data/images/a.png");
  const auto outside = train("small.toml --data data --out out");
  EXPECT_EQ(outside.exit_code, 1);
  EXPECT_THAT(outside.errors, HasSubstr("no face to learn among 1 image: the boxes of 1 face lie"));
  EXPECT_THAT(outside.errors, HasSubstr("--data: expected annotated faces to learn, found none"));
  EXPECT_FALSE(fs::exists(folder_ / "out"));
}

TEST_F(Train, RefusesToValidateWithoutFaces) {
  write("none.txt", "# a.png\n");
  const auto result = train("small.toml --data data --out out --val none.txt");
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_THAT(result.errors, HasSubstr("none.txt: expected annotated faces to judge by"));
  EXPECT_FALSE(fs::exists(folder_ / "out/last.safetensors"));
}

TEST_F(Train, CountsFacesOutsideTheirImages) {
  std::ofstream(folder_ / "data/label.txt", std::ios::app) << "900 5 10 10\n5 900 10 10\n";
  const auto result = train("small.toml --data data --out out --steps 4");
  EXPECT_EQ(result.exit_code, 0) << result.errors;
  EXPECT_EQ(count(result.errors, "2 faces with a box outside the image, such as in "), 1U)
      << result.errors;
}

TEST_F(Train, AYoloSetWithADamagedImageIsLearnt) {
  const std::string convert = "cd '" + folder_.path().string() +
                              "' && '" RETINAFACE_PROGRAM
                              "' dataset convert data --to yolo -o data";
  ASSERT_EQ(testing::run(convert).exit_code, 0);
  fs::remove(folder_ / "data/label.txt");
  fs::resize_file(fs::directory_iterator(folder_ / "data/images")->path(), 10);
  const auto result = train("small.toml --data data --out out --val data --steps 1");
  EXPECT_EQ(result.exit_code, 0) << result.errors;
  EXPECT_EQ(count(result.errors, "data: 1 image left out, such as this: "), 1U) << result.errors;
  EXPECT_EQ(count(result.errors, "left out of the validation"), 1U) << result.errors;
}

TEST_F(Train, RefusesWeightsOfAnotherModel) {
  graph::Weights weights;
  weights.tensors.emplace("body.surplus", graph::Tensor::of_shape({0}));
  graph::write_safetensors(folder_ / "odd.safetensors", weights);
  const auto result = train("small.toml --data data --out out --init odd.safetensors");
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_THAT(result.errors, AllOf(HasSubstr("odd.safetensors"), HasSubstr("body.surplus")));
}

TEST_F(Train, ALossThatExplodesEndsTheRunWithTheRemedy) {
  const auto result = train(
      "small.toml --data data --out out --checkpoint-every 1 --set schedule.learning_rate=100 "
      "--set schedule.warmup_factor=1e-5 --set optimizer.max_gradient=1e6");
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_THAT(result.errors, HasSubstr("lower the learning rate, --set schedule.learning_rate="));
  EXPECT_THAT(result.errors, HasSubstr("--init out/last.safetensors"));
  EXPECT_THAT(result.errors, Not(HasSubstr("done")));
}

TEST_F(Train, WeightsOfALossThatExplodesAreNeverWritten) {
  // The first step's own loss is still good, and so is its validation's figure better than none.
  for (const char* const validation : {"", "--val data "}) {
    for (const char* const steps : {"--steps 1", "--steps 3"}) {
      fs::remove_all(folder_ / "out");
      const auto result =
          train(std::string("small.toml --data data --out out --checkpoint-every 1 ") + validation +
                "--set schedule.learning_rate=100 --set schedule.warmup_epochs=0 "
                "--set optimizer.max_gradient=1e6 " +
                steps);
      EXPECT_EQ(result.exit_code, 1) << result.errors;
      EXPECT_THAT(result.errors, HasSubstr("lower the learning rate"));
      for (const char* const file :
           {"last.safetensors", "best.safetensors", "checkpoint.safetensors"}) {
        EXPECT_FALSE(fs::exists(folder_ / "out" / file)) << file << " " << steps;
      }
    }
  }
}

}  // namespace
}  // namespace retinaface
