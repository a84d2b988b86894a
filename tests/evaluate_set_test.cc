// `retinaface evaluate set` as a user meets it.

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/program_folder.h"
#include "support/testing.h"

namespace retinaface {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using testing::CommandResult;
using ::testing::HasSubstr;
using testing::sample_folder;

/// Two portraits with a face each, which the built-in model finds, and one more that is annotated
/// where there is none.
class EvaluateSet : public testing::ProgramFolder {
 protected:
  void SetUp() override {
    fs::create_directory(folder_ / "images");
    for (const char* name : {"portrait.jpg", "hopper.jpg"}) {
      fs::copy_file(sample_folder() / name, folder_ / "images" / name);
    }
    write("label.txt",
          "# hopper.jpg\n176 128 176 202\n10 10 40 50\n# portrait.jpg\n177 58 94 120\n");
  }

  json figures() const { return json_of("r.json"); }
};

TEST_F(EvaluateSet, JudgesByBothRules) {
  const CommandResult result = run("evaluate set label.txt --min-score 0.5 --json r.json");
  ASSERT_EQ(result.exit_code, 0) << result.errors;
  EXPECT_THAT(result.output, HasSubstr("2 images, 3 faces, 0 more ignored"));
  const json report = figures();
  EXPECT_NEAR(report["ap"], 200.0 / 3, 0.01);
  EXPECT_NEAR(report["recall"], 200.0 / 3, 0.01);
  EXPECT_NEAR(report["coco"]["ap_50"], 100.0 * 67 / 101, 0.01);  // of the recalls 0 to 0.66
  EXPECT_NEAR(report["coco"]["ar_1"], report["coco"]["ar_100"], 1e-9);
  EXPECT_GT(report["coco"]["ap"], 30);
  EXPECT_EQ(report["coco"]["ap_small"], json());
}

TEST_F(EvaluateSet, GoesOnBehindADamagedImageOfAYoloSet) {
  ASSERT_EQ(run("retinaface dataset convert label.txt --to yolo -o .").exit_code, 0);
  fs::remove(folder_ / "label.txt");
  write("images/hopper.jpg", "no image");
  const CommandResult result = run("evaluate set . --json r.json");
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_THAT(result.errors, HasSubstr("hopper.jpg"));
  EXPECT_THAT(result.errors, HasSubstr("1 image could not be read and left out"));
  EXPECT_NEAR(figures()["recall"], 100, 0.01);
}

TEST_F(EvaluateSet, IsTheSameForAnyFormat) {
  ASSERT_EQ(run("evaluate set label.txt --json r.json").exit_code, 0);
  const json expected = figures();
  ASSERT_EQ(run("retinaface dataset convert label.txt --to coco -o coco.json").exit_code, 0);
  ASSERT_EQ(run("evaluate set coco.json --json r.json").exit_code, 0);
  EXPECT_EQ(figures()["coco"], expected["coco"]);
  EXPECT_EQ(figures()["ap"], expected["ap"]);
}

TEST_F(EvaluateSet, LeavesOutAndNamesWhatCannotBeRead) {
  write("label.txt", "# portrait.jpg\n177 58 94 120\n# none.jpg\n1 2 30 40\n");
  const CommandResult result = run("evaluate set label.txt --json r.json");
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_THAT(result.errors, HasSubstr("none.jpg"));
  EXPECT_THAT(result.errors, HasSubstr("1 image could not be read and left out"));
  EXPECT_EQ(figures()["images"], 1);
  EXPECT_NEAR(figures()["ap"], 100, 0.01);

  write("label.txt", "# none.jpg\n1 2 30 40\n");
  const CommandResult nothing = run("evaluate set label.txt --json none.json");
  EXPECT_EQ(nothing.exit_code, 1);
  EXPECT_THAT(nothing.errors, HasSubstr("expected images that can be read"));
  EXPECT_FALSE(fs::exists(folder_ / "none.json"));
}

TEST_F(EvaluateSet, RefusesASetWithoutFaces) {
  write("label.txt", "# portrait.jpg\n# hopper.jpg\n");
  const CommandResult result = run("evaluate set label.txt");
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_EQ(result.output, "");
  EXPECT_THAT(result.errors, HasSubstr("label.txt: expected annotated faces to judge by"));
}

TEST_F(EvaluateSet, OverwritesNoneOfItsInputs) {
  const CommandResult result = run("evaluate set label.txt --overwrite --json label.txt");
  EXPECT_NE(result.exit_code, 0);
  EXPECT_THAT(result.errors, HasSubstr("label.txt"));
  EXPECT_TRUE(std::ifstream(folder_ / "label.txt").good());
  EXPECT_EQ(run("evaluate set label.txt").exit_code, 0);
}

}  // namespace
}  // namespace retinaface
