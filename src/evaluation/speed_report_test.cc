#include "evaluation/speed_report.h"

#include <nlohmann/json.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace retinaface::evaluation {
namespace {

TEST(SpeedReport, PublishedFiguresGoWithNetworkAndSize) {
  EXPECT_EQ(published_speeds("mnet025", 640, 480).size(), 4U);
  EXPECT_EQ(published_speeds("mnet025", 4096, 2160).size(), 1U);
  EXPECT_EQ(published_speeds("resnet152", 1920, 1080).at(0).ms, 443.2);
  EXPECT_TRUE(published_speeds("resnet50", 640, 480).empty());
  EXPECT_TRUE(published_speeds("mnet025", 641, 480).empty());
}

TEST(SpeedReport, TellsRatesAndShares) {
  Speed speed;
  speed.question = {"cpu", 640, 480, graph::DataType::kFloat32, 1};
  speed.model = "mnet025";
  speed.forward = {5, 9, 9.5, 10, 10.5};
  speed.multiply_adds = 736e6;
  speed.peak_per_s = 147.2e9;
  speed.call = {5, 19, 19.5, 20, 20.5};
  speed.decode_image_ms = 4;
  speed.parts.forward_ms = 10;
  speed.parts.decode_ms = 1;
  const Speed speeds[] = {speed};
  const auto row = to_json(speeds).at(0);
  EXPECT_DOUBLE_EQ(row.at("multiply_adds_per_s"), 73.6e9);
  EXPECT_DOUBLE_EQ(row.at("share_of_peak"), 0.5);
  EXPECT_DOUBLE_EQ(row.at("call_shares").at("decode_image"), 0.2);
  EXPECT_DOUBLE_EQ(row.at("call_parts_ms").at("other"), 5);
  EXPECT_THAT(format_speeds(speeds), ::testing::HasSubstr("50 %"));
}

}  // namespace
}  // namespace retinaface::evaluation
