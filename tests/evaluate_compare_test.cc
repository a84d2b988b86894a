// `retinaface evaluate compare` as a user meets it.

#include <filesystem>
#include <nlohmann/json.hpp>
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

class EvaluateCompare : public testing::ProgramFolder {
 protected:
  void SetUp() override {
    write_ground_truth(set_, folder_ / "truth");
    predict(0, 12, "all");
    predict(0, 8, "most");
  }

  CommandResult compare(const std::string& arguments) const {
    return run("evaluate compare --ground-truth truth --samples 50 " + arguments);
  }

  json figures() const { return json_of("r.json"); }

  /// Perfect predictions for a range of images.
  void predict(std::size_t first, std::size_t last, const std::string& name) const {
    for (std::size_t i = first; i < last; ++i) {
      write_predictions(set_.images[i], testing::perfect_lines(set_.images[i]), folder_ / name);
    }
  }

  void draw_black() const {
    for (const auto& image : set_.images) {
      fs::create_directories(folder_ / "images" / image.event);
      write_image(folder_ / "images" / image.event / (image.name + ".png"), Image(128, 96));
    }
  }

  const testing::WiderSet set_ = testing::random_wider_set(3, 4, 5, 1);
};

TEST_F(EvaluateCompare, JudgesTheSameImages) {
  draw_black();
  const auto result = compare("all most --images images --json r.json");
  EXPECT_EQ(result.exit_code, 0) << result.errors;
  EXPECT_THAT(result.output, HasSubstr("12 of 12 images"));
  EXPECT_THAT(result.output, HasSubstr("difference to all"));
  EXPECT_THAT(result.errors, HasSubstr("most: 4 images without a file"));
  ASSERT_EQ(figures()["detectors"].size(), 2U);
  const json first = figures()["detectors"][0];
  const json second = figures()["detectors"][1];
  EXPECT_EQ(first["name"], "all");
  EXPECT_NEAR(first["report"]["hard"].get<double>(), 100, 1e-9);
  double found = 0;
  double faces = 0;
  for (std::size_t i = 0; i < set_.images.size(); ++i) {
    const auto here = static_cast<double>(set_.images[i].counted[2].size());
    faces += here;
    if (i < 8) found += here;
  }
  const double expected = 100 * found / faces;
  EXPECT_NEAR(second["report"]["hard"].get<double>(), expected, 1e-9);
  EXPECT_NEAR(second["differences"]["hard"]["value"].get<double>(), expected - 100, 1e-9);
  EXPECT_LE(second["intervals"]["hard"][0].get<double>(), expected);
  EXPECT_GE(second["intervals"]["hard"][1].get<double>(), expected);
  EXPECT_EQ(first["differences"]["map"]["interval"], json({0.0, 0.0}));
}

TEST_F(EvaluateCompare, WithoutImagesTakesThoseThatAllPredict) {
  const auto result = compare("all most --json r.json");
  EXPECT_EQ(result.exit_code, 0) << result.errors;
  EXPECT_THAT(result.output, HasSubstr("8 of 12 images"));
  EXPECT_THAT(result.errors, HasSubstr("8 images have predictions in all folders, up to 12"));
  EXPECT_EQ(figures()["detectors"][1]["differences"]["hard"]["value"], 0);

  predict(8, 12, "rest");
  const auto apart = compare("most rest");
  EXPECT_EQ(apart.exit_code, 1);
  EXPECT_THAT(apart.errors, HasSubstr("no image has predictions in all 2 folders"));
}

TEST_F(EvaluateCompare, IsTheSameEachTime) {
  compare("all most --json r.json --threads 1");
  const json once = figures();
  compare("all most --json r.json --threads 3");
  EXPECT_EQ(once, figures());
}

TEST_F(EvaluateCompare, DrawsTheImagesThatDifferMost) {
  draw_black();
  const auto result = compare("A=all 'B & C=most' mnet025 --images images --out d --pictures 2");
  EXPECT_EQ(result.exit_code, 0) << result.errors;
  EXPECT_THAT(result.output, HasSubstr("d/index.html: the 2 images that differ most, from left "
                                       "to right A, B & C, mnet025"));
  const std::string page = content("d/index.html");
  EXPECT_THAT(page, HasSubstr("<b>B &amp; C</b>"));
  std::size_t images = 0;
  for (const auto& entry : fs::directory_iterator(folder_ / "d")) {
    if (entry.path().extension() != ".jpg") continue;
    ++images;
    EXPECT_THAT(page, HasSubstr(fmt::format("src=\"{}\"", entry.path().filename().string())));
    EXPECT_EQ(read_image(entry.path()).width(), 3 * 128 + 2 * 8);
  }
  EXPECT_EQ(images, 2U);
}

TEST_F(EvaluateCompare, DrawsAllCurvesInOnePlot) {
  const auto result = compare("all most --curves c.svg");
  EXPECT_EQ(result.exit_code, 0) << result.errors;
  const std::string drawing = content("c.svg");
  EXPECT_THAT(drawing, HasSubstr("all-1.000"));
  EXPECT_THAT(drawing, HasSubstr("most-1.000"));
}

TEST_F(EvaluateCompare, RefusesWrongUsage) {
  for (const char* arguments :
       {"all", "", "all most --out d", "all mnet025", "all nowhere", "all all",
        "all x=", "all most --samples 1", "all most --max-images 0"}) {
    const auto result = compare(arguments);
    EXPECT_EQ(result.exit_code, 2) << arguments << ": " << result.errors;
    EXPECT_NE(result.errors, "") << arguments;
  }
  write_predictions(set_.images[1], {"1 2 3 four 0.5"}, folder_ / "most");
  const auto malformed = compare("all most");
  EXPECT_EQ(malformed.exit_code, 1);
  EXPECT_THAT(malformed.errors, HasSubstr("most/0--Event/0_Event_1.txt:3: expected x, y, width"));
  draw_black();
  const auto blocked = compare("all all2=all --images images --out truth/wider_face_val.mat/d");
  EXPECT_EQ(blocked.exit_code, 1);
  EXPECT_THAT(blocked.errors,
              HasSubstr("wider_face_val.mat: expected a file or a folder, found both"));
  EXPECT_EQ(compare("all nowhere.safetensors --images images").exit_code, 1);
}

}  // namespace
}  // namespace retinaface
