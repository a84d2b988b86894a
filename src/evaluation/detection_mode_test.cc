#include "evaluation/detection_mode.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/testing.h"

namespace retinaface::evaluation {
namespace {

using ::testing::ElementsAre;
using testing::error_of;
using ::testing::FloatEq;

TEST(DetectionMode, ResizesByTheImagesOwnSize) {
  EXPECT_TRUE(scales_of(DetectionMode::kAllSizes, 1024, 768).empty());
  EXPECT_THAT(scales_of(DetectionMode::kOriginal, 1024, 768), ElementsAre(1));
  EXPECT_THAT(scales_of(DetectionMode::kVga, 1024, 768), ElementsAre(640.0F / 1024));
  EXPECT_THAT(scales_of(DetectionMode::kVga, 300, 1280), ElementsAre(0.5F));
  EXPECT_THAT(scales_of(DetectionMode::kVga, 320, 240), ElementsAre(2));
  // 1600 / 768 would make the longer side 2133; 1600 / 640 would make it 2560.
  EXPECT_THAT(scales_of(DetectionMode::kLarge, 1024, 768), ElementsAre(FloatEq(1600.0F / 768)));
  EXPECT_THAT(scales_of(DetectionMode::kLarge, 640, 1024), ElementsAre(FloatEq(2150.0F / 1024)));
  EXPECT_THAT(scales_of(DetectionMode::kMultiScale, 1000, 500),
              ElementsAre(1, FloatEq(1.6F), FloatEq(2.2F), FloatEq(2.8F), FloatEq(3.4F)));
  EXPECT_THAT(scales_of(DetectionMode::kLarge, 10, 10), ElementsAre(16));
}

TEST(DetectionMode, HasAName) {
  for (std::size_t i = 0; i < detection_mode_names().size(); ++i) {
    EXPECT_EQ(detection_mode_by_name(detection_mode_names()[i]), static_cast<DetectionMode>(i));
  }
  EXPECT_EQ(error_of([] { detection_mode_by_name("huge"); }).code(), ErrorCode::kInvalidArgument);
}

}  // namespace
}  // namespace retinaface::evaluation
