// `retinaface evaluate wider` as a user meets it.

#include <filesystem>
#include <nlohmann/json.hpp>
#include <random>
#include <string>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "retinaface/image.h"

#include "support/program_folder.h"
#include "support/testing.h"
#include "support/wider_set.h"

namespace retinaface {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using testing::CommandResult;
using ::testing::HasSubstr;

class EvaluateWider : public testing::ProgramFolder {
 protected:
  void SetUp() override { write_ground_truth(set_, folder_ / "truth"); }

  CommandResult evaluate(const std::string& options) const {
    return run("evaluate wider " + options);
  }

  json figures() const { return json_of("r.json"); }

  /// Perfect predictions for the first `count` images.
  void predict(std::size_t count) const {
    for (std::size_t i = 0; i < count; ++i) {
      write_predictions(set_.images[i], testing::perfect_lines(set_.images[i]), folder_ / "p");
    }
  }

  void draw_noise(std::size_t count) const {
    std::mt19937 random(4);
    for (std::size_t i = 0; i < count; ++i) {
      Image image(96, 64);
      for (int y = 0; y < image.height(); ++y) {
        for (int x = 0; x < 3 * image.width(); ++x) {
          image.row(y)[x] = static_cast<std::uint8_t>(random());
        }
      }
      const auto& annotated = set_.images[i];
      fs::create_directories(folder_ / "images" / annotated.event);
      write_image(folder_ / "images" / annotated.event / (annotated.name + ".png"), image);
    }
  }

  const testing::WiderSet set_ = testing::random_wider_set(3, 4, 5, 1);
};

TEST_F(EvaluateWider, GivesPerfectPredictionsAllPoints) {
  predict(set_.images.size());
  const auto result = evaluate("--ground-truth truth --predictions p --json r.json");
  EXPECT_EQ(result.exit_code, 0) << result.errors;
  EXPECT_EQ(result.errors, "");
  EXPECT_THAT(result.output, HasSubstr("12 of 12 images"));
  EXPECT_EQ(figures()["images"], 12);
  for (const char* figure : {"easy", "medium", "hard", "map"}) {
    EXPECT_NEAR(figures()[figure].get<double>(), 100, 1e-9) << figure;
  }
}

TEST_F(EvaluateWider, CountsThePartThatHasPredictions) {
  predict(5);
  const auto result = evaluate("--ground-truth truth --predictions p --json r.json");
  EXPECT_EQ(result.exit_code, 0) << result.errors;
  EXPECT_THAT(result.output, HasSubstr("5 of 12 images"));
  EXPECT_NEAR(figures()["hard"].get<double>(), 100, 1e-9);
}

TEST_F(EvaluateWider, CountsThePartOfTheImagesAndTheirMissingPredictions) {
  predict(2);
  draw_noise(4);
  const auto result =
      evaluate("--ground-truth truth --predictions p --images images --json r.json");
  EXPECT_EQ(result.exit_code, 0) << result.errors;
  EXPECT_THAT(result.output, HasSubstr("4 of 12 images"));
  EXPECT_THAT(result.errors, HasSubstr("2 images without a file"));
  double with = 0;
  double all = 0;
  for (std::size_t i = 0; i < 4; ++i) {
    const auto faces = static_cast<double>(set_.images[i].counted[2].size());
    all += faces;
    if (i < 2) with += faces;
  }
  EXPECT_NEAR(figures()["hard"].get<double>(), 100 * with / all, 1e-9);
}

TEST_F(EvaluateWider, JudgesWhatItSavedAsWhatItFound) {
  draw_noise(3);
  const auto found = evaluate(
      "--ground-truth truth --images images --min-score 0.001 --save-predictions saved --json "
      "r.json");
  EXPECT_EQ(found.exit_code, 0) << found.errors;
  const json before = figures();
  EXPECT_TRUE(fs::exists(folder_ / "saved/0--Event/0_Event_2.txt"));
  const auto judged = evaluate("--ground-truth truth --predictions saved --json r.json");
  EXPECT_EQ(judged.exit_code, 0) << judged.errors;
  EXPECT_EQ(figures()["images"], 3);
  EXPECT_NEAR(figures()["hard"].get<double>(), before["hard"].get<double>(), 0.1);
}

TEST_F(EvaluateWider, CutsOutWhatOverlapsNoFace) {
  draw_noise(1);
  auto lines = testing::perfect_lines(set_.images[0]);
  lines.push_back("2000 2000 10 10 0.25");
  write_predictions(set_.images[0], lines, folder_ / "p");
  const auto result =
      evaluate("--ground-truth truth --predictions p --images images --false-alarms alarms");
  EXPECT_EQ(result.exit_code, 0) << result.errors;
  EXPECT_THAT(result.output,
              HasSubstr(fmt::format("1 of {} detections overlap no annotated face by an IoU of 0.2",
                                    lines.size())));
  EXPECT_TRUE(fs::exists(folder_ / "alarms" / "0001_0.25_0_Event_0.png"));
  EXPECT_THAT(evaluate("--ground-truth truth --predictions p --false-alarms a").errors,
              HasSubstr("--false-alarms: say with --images"));
}

TEST_F(EvaluateWider, RunsAModelInEveryMode) {
  draw_noise(1);
  for (const char* mode : {"original", "vga", "large", "multiscale"}) {
    const auto result =
        evaluate("--ground-truth truth --images images --mode " + std::string(mode));
    EXPECT_EQ(result.exit_code, 0) << mode << ": " << result.errors;
    EXPECT_THAT(result.output, HasSubstr("1 of 12 images"));
  }
}

TEST_F(EvaluateWider, NamesTheMalformedLine) {
  predict(3);
  write_predictions(set_.images[1], {"1 2 3 4 0.5", "1 2 3 four 0.5"}, folder_ / "p");
  const auto result = evaluate("--ground-truth truth --predictions p");
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_EQ(result.output, "");
  EXPECT_THAT(result.errors, HasSubstr("p/0--Event/0_Event_1.txt:4: expected x, y, width"));
}

TEST_F(EvaluateWider, DrawsCurves) {
  predict(6);
  const auto drawn = evaluate("--ground-truth truth --predictions p --curves 'it''s.svg'");
  EXPECT_EQ(drawn.exit_code, 0) << drawn.errors;
  EXPECT_GT(fs::file_size(folder_ / "its.svg"), 1000U);

  const auto missing = testing::run("cd '" + folder_.path().string() +
                                    "' && PATH=/nowhere '" RETINAFACE_PROGRAM
                                    "' evaluate wider --ground-truth truth --predictions p "
                                    "--curves c.svg");
  EXPECT_EQ(missing.exit_code, 1);
  EXPECT_THAT(missing.errors, HasSubstr("gnuplot, which is not installed"));

  EXPECT_THAT(evaluate("--ground-truth truth --predictions p --curves c.bmp").errors,
              HasSubstr("c.bmp"));
}

TEST_F(EvaluateWider, RefusesWrongUsage) {
  for (const char* options :
       {"--predictions p", "--ground-truth truth", "--ground-truth truth --predictions p --model m",
        "--ground-truth truth --images i --mode huge",
        "--ground-truth truth --predictions p --save-predictions q"}) {
    const auto result = evaluate(options);
    EXPECT_EQ(result.exit_code, 2) << options;
    EXPECT_NE(result.errors, "") << options;
  }
  const auto result = evaluate("--ground-truth nowhere --predictions p");
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_THAT(result.errors, HasSubstr("nowhere/wider_face_val.mat"));
}

// The figures are those of the checkpoint's own implementation, on the same images by the
// official rules.
TEST_F(EvaluateWider, OfThePublicCheckpointIsThatOfItsOwnImplementation) {
  RF_NEED_DATA("wider/val/images");
  RF_NEED_DATA("weights/mobilenet0.25_Final.pth");
  const fs::path data = testing::data_folder();
  const auto quoted = [&](const std::string& path) { return "'" + (data / path).string() + "'"; };
  const auto imported =
      testing::run("'" RETINAFACE_PROGRAM "' import " + quoted("weights/mobilenet0.25_Final.pth") +
                   " -o '" + (folder_ / "public.safetensors").string() + "'");
  ASSERT_EQ(imported.exit_code, 0) << imported.errors;
  const auto result =
      evaluate("--ground-truth " + quoted("wider/ground_truth") + " --images " +
               quoted("wider/val/images") + " --model public.safetensors --json r.json");
  EXPECT_EQ(result.exit_code, 0) << result.errors;
  EXPECT_EQ(figures()["images"], 209);
  EXPECT_EQ(figures()["faces"]["easy"], 543);
  EXPECT_EQ(figures()["faces"]["medium"], 1184);
  EXPECT_EQ(figures()["faces"]["hard"], 3584);
  EXPECT_NEAR(figures()["easy"].get<double>(), 91.29, 0.15);
  EXPECT_NEAR(figures()["medium"].get<double>(), 90.83, 0.15);
  EXPECT_NEAR(figures()["hard"].get<double>(), 75.88, 0.15);
}

}  // namespace
}  // namespace retinaface
