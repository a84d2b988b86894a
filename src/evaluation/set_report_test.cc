#include "evaluation/set_report.h"

#include <nlohmann/json.hpp>

#include <gtest/gtest.h>

namespace retinaface::evaluation {
namespace {

TEST(SetReport, JudgesByBothRulesTheImagesThatWereLookedAt) {
  dataset::TrainingSet set;
  set.images = "images";
  set.annotations = {
      {"a.jpg", {{.box = {0, 0, 40, 40}}, {.box = {60, 0, 90, 30}, .ignored = true}}},
      {"b.jpg", {{.box = {0, 0, 40, 40}}}},
      {"unread.jpg", {{.box = {0, 0, 40, 40}}}}};
  const AnnotatedTruth annotated = truth_of(set, "made");
  const DetectionsByImage found = {{0, {{{0, 0, 40, 40}, 0.9}, {{60, 0, 30, 30}, 0.8}}}, {1, {}}};
  const SetReport report = judge_set(annotated, found);
  EXPECT_EQ(report.ignored, 1);
  EXPECT_EQ(report.wider.images, 2U);
  EXPECT_EQ(report.wider.of(Subset::kHard).recall.faces, 2);
  EXPECT_EQ(report.wider.of(Subset::kHard).recall.found, 1);
  ASSERT_TRUE(report.coco.ar_100);
  EXPECT_DOUBLE_EQ(*report.coco.ar_100, 0.5);
  EXPECT_DOUBLE_EQ(to_json(report).at("recall"), 50);
  EXPECT_EQ(to_json(report).at("ignored"), 1);
}

}  // namespace
}  // namespace retinaface::evaluation
