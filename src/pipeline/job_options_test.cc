#include "pipeline/job_options.h"

#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace retinaface::pipeline {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

std::string fault(const std::string& name, const std::string& text) {
  DetectionJob job;
  return set_option(*find_job_option(name), text, job);
}

TEST(JobOptions, AreSetByTheirText) {
  DetectionJob job;
  const auto set = [&](const char* name, const char* text) {
    EXPECT_EQ(set_option(*find_job_option(name), text, job), "") << name;
    EXPECT_EQ(option_text(*find_job_option(name), job), text) << name;
  };
  set("min-score", "0.25");
  set("nms", "1");
  set("max-faces", "3");
  set("min-size", "12.5");
  set("clip", "true");
  set("scales", "0.5,1,2");
  set("tile", "0");
  set("align-size", "224");
  set("jpeg-quality", "75");
  set("mesh", "true");
  set("landmarks", "68");
  set("face-quality", "true");
  EXPECT_FLOAT_EQ(job.detect.min_score, 0.25F);
  EXPECT_EQ(job.detect.tile_px, 0);
  EXPECT_THAT(job.detect.scales, ElementsAre(0.5F, 1.0F, 2.0F));
  EXPECT_EQ(job.detect.max_faces, 3);
  EXPECT_TRUE(job.detect.clip_to_image);
  EXPECT_EQ(job.images.aligned_side_px, 224);
  EXPECT_EQ(job.images.write.jpeg_quality, 75);
  EXPECT_TRUE(job.fields.mesh);
  EXPECT_EQ(job.fields.landmarks, 68);
  set("scales", "auto");
  EXPECT_THAT(job.detect.scales, IsEmpty());
}

TEST(JobOptions, AreKnownByTheNamesOfOtherPrograms) {
  EXPECT_EQ(own_name_of("conf-thres"), "min-score");
  EXPECT_EQ(own_name_of("iou"), "nms");
  EXPECT_EQ(own_name_of("min-score"), "");
  for (const char* const name : {"threshold", "iou-thres"}) {
    EXPECT_NE(find_job_option(own_name_of(name)), nullptr) << name;
  }
}

TEST(JobOptions, AFlagNeedsNoText) {
  DetectionJob job;
  EXPECT_EQ(set_option(*find_job_option("clip"), "", job), "");
  EXPECT_TRUE(job.detect.clip_to_image);
  EXPECT_EQ(set_option(*find_job_option("clip"), "false", job), "");
  EXPECT_FALSE(job.detect.clip_to_image);
  EXPECT_EQ(fault("clip", "maybe"), "expected true or false, found 'maybe'");
}

TEST(JobOptions, AWrongTextSetsNothing) {
  DetectionJob job;
  EXPECT_NE(set_option(*find_job_option("scales"), "1,x", job), "");
  EXPECT_NE(set_option(*find_job_option("min-score"), "0.5x", job), "");
  EXPECT_THAT(job.detect.scales, IsEmpty());
  EXPECT_EQ(job.detect.min_score, DetectOptions::kDefaultMinScore);
}

TEST(JobOptions, SayWhatWasExpected) {
  EXPECT_EQ(fault("min-score", "1.5"), "expected a number from 0 to 1, found '1.5'");
  EXPECT_EQ(fault("min-size", "nan"), "expected a number of 0 or more, found 'nan'");
  EXPECT_EQ(fault("tile", "100"), "expected 0 or at least 1280, found '100'");
  EXPECT_EQ(fault("max-faces", "0"), "expected a whole number from 1 to 2147483647, found '0'");
  EXPECT_EQ(fault("max-faces", "99999999999"),
            "expected a whole number from 1 to 2147483647, found '99999999999'");
  EXPECT_EQ(fault("landmarks", "7"), "expected 5 or 68, found '7'");
  for (const JobOption& option : job_options()) {
    for (const char* text : {"nan", "inf", "-1", "x", "1e400", "0x10", " 1"}) {
      EXPECT_THAT(fault(std::string(option.name), text), HasSubstr("found '")) << option.name;
    }
  }
  for (const char* text : {"0", "16.1", "1,,2", "1,", ",", ""}) {
    EXPECT_THAT(fault("scales", text), HasSubstr("expected auto")) << text;
  }
}

TEST(JobOptions, ANumberTooSmallForAFloatIsZero) {
  EXPECT_EQ(fault("min-score", "1e-60"), "");
}

TEST(JobOptions, TheirDefaultsAreWhatAJobHas) {
  for (const JobOption& option : job_options()) {
    if (!option.has_default) continue;
    DetectionJob job;
    const std::string text = option_text(option, job);
    EXPECT_EQ(set_option(option, text, job), "") << option.name;
    EXPECT_EQ(option_text(option, job), text);
  }
}

}  // namespace
}  // namespace retinaface::pipeline
