#include "evaluation/false_alarms.h"

#include <filesystem>
#include <set>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/testing.h"

namespace retinaface::evaluation {
namespace {

TEST(FalseAlarms, OverlapNoFaceWhetherItCountsOrNot) {
  WiderImage image;
  image.faces = {{10, 10, 20, 20}, {60, 10, 20, 20}};
  image.counted.fill({1, 0});
  const Detection near = {{12, 12, 20, 20}, 0.9};
  const Detection on_ignored = {{60, 10, 20, 20}, 0.8};
  const Detection alone = {{10, 60, 20, 20}, 0.7};
  const Detection touching = {{27, 10, 20, 20}, 0.6};  // (4 * 21) / (2 * 441 - 84) is 0.105
  const std::vector<Detection> detections = {near, on_ignored, alone, touching};
  EXPECT_THAT(find_false_alarms(image, detections), ::testing::ElementsAre(alone, touching));
}

TEST(FalseAlarms, AreCutOutWithTheirSurroundings) {
  const Image image(100, 50);
  const Image inside = draw_false_alarm(image, {{40, 20, 10, 10}, 1}, 80);
  EXPECT_EQ(inside.width(), 80);  // 20 px of the image
  EXPECT_EQ(inside.height(), 80);
  EXPECT_EQ(inside.row(20)[3 * 20], 255);  // the box's corner
  EXPECT_EQ(inside.row(40)[3 * 40], 0);
  const Image cut = draw_false_alarm(image, {{0, 0, 10, 10}, 1}, 60);  // 15 px are left
  EXPECT_EQ(cut.width(), 60);
  for (const WiderBox& box : {WiderBox{-50, -50, 10, 10}, {500, 500, 3, 3}, {0, 0, 1e6, 1e6}}) {
    const Image any = draw_false_alarm(image, {box, 1}, 60);
    EXPECT_EQ(std::max(any.width(), any.height()), 60);
  }
}

TEST(FalseAlarms, AreDrawnByFallingScore) {
  const retinaface::testing::TemporaryFolder folder;
  WiderGroundTruth truth;
  truth.events = {"e"};
  truth.images.resize(2);
  WiderFiles files;
  for (std::size_t i = 0; i < 2; ++i) {
    truth.images[i].name = i == 0 ? "a" : "b";
    files.by_image[i] = folder / (truth.images[i].name + ".png");
    write_image(files.by_image[i], Image(60, 60));
  }
  truth.images[1].faces = {{30, 30, 20, 20}};
  FalseAlarms alarms(truth);
  const DetectionSource source = telling(alarms, [](std::size_t) -> std::vector<Detection> {
    return {{{30, 30, 20, 20}, 0.5}, {{0, 0, 20, 20}, 0.75}};
  });
  EXPECT_EQ(source(1).size(), 2U);
  EXPECT_EQ(source(0).size(), 2U);
  EXPECT_EQ(alarms.detections(), 4U);
  EXPECT_EQ(alarms.count(), 3U);
  alarms.draw(folder / "drawn", files);
  std::set<std::string> names;
  for (const auto& file : std::filesystem::directory_iterator(folder / "drawn")) {
    names.insert(file.path().filename());
  }
  EXPECT_THAT(names,
              ::testing::ElementsAre("0001_0.75_a.png", "0002_0.75_b.png", "0003_0.50_a.png"));
}

}  // namespace
}  // namespace retinaface::evaluation
