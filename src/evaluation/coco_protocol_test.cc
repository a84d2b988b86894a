#include "evaluation/coco_protocol.h"

#include <fstream>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/testing.h"

namespace retinaface::evaluation {
namespace {

using nlohmann::json;

WiderBox box_of(const json& numbers) {
  return {numbers[0], numbers[1], numbers[2], numbers[3]};
}

/// What COCO's own program says of the same faces and detections (tests/make_coco_figures.py).
TEST(CocoProtocol, GivesTheFiguresOfCocosOwnProgram) {
  std::ifstream file(testing::fixture_folder() / "coco_figures.json");
  const json expected = json::parse(file);
  std::vector<CocoImage> images;
  for (const json& made : expected["images"]) {
    CocoImage& image = images.emplace_back();
    for (const json& face : made["faces"]) image.faces.push_back(box_of(face));
    image.ignored = made["ignored"].get<std::vector<std::uint8_t>>();
    for (const json& detection : made["detections"]) {
      image.detections.push_back({box_of(detection), detection[4]});
    }
  }
  const CocoReport report = evaluate_coco(images);
  const auto expect = [&](const char* name, const std::optional<double>& figure) {
    ASSERT_TRUE(figure) << name;
    EXPECT_NEAR(*figure, expected["figures"][name].get<double>(), 1e-9) << name;
  };
  expect("ap", report.ap);
  expect("ap_50", report.ap_50);
  expect("ap_75", report.ap_75);
  expect("ap_small", report.ap_small);
  expect("ap_medium", report.ap_medium);
  expect("ap_large", report.ap_large);
  expect("ar_1", report.ar_1);
  expect("ar_10", report.ar_10);
  expect("ar_100", report.ar_100);
}

TEST(CocoProtocol, HasNoFigureWhereThereIsNoFace) {
  EXPECT_FALSE(evaluate_coco({}).ap);
  const CocoImage one = {{{0, 0, 20, 20}}, {0}, {{{0, 0, 20, 20}, 0.5}}};
  const CocoReport report = evaluate_coco(std::span(&one, 1));
  EXPECT_THAT(report.ap, ::testing::Optional(::testing::DoubleEq(1)));
  EXPECT_THAT(report.ap_small, ::testing::Optional(::testing::DoubleEq(1)));
  EXPECT_FALSE(report.ap_medium);
  EXPECT_FALSE(report.ap_large);
}

}  // namespace
}  // namespace retinaface::evaluation
