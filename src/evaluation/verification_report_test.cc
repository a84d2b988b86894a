#include "evaluation/verification_report.h"

#include <nlohmann/json.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/file.h"
#include "support/testing.h"

namespace retinaface::evaluation {
namespace {

using testing::error_of;
using ::testing::HasSubstr;

PairJudgement judgement(const std::string& name) {
  PairJudgement judgement;
  judgement.name = name;
  judgement.missed = 3;
  judgement.result.accuracy = 0.98;
  for (int power = kMinFarPower; power <= kMaxFarPower; ++power) {
    judgement.result.tar_at_far[power] = std::nullopt;
    judgement.result.threshold_at_far[power] = std::nullopt;
  }
  judgement.result.tar_at_far[-1] = 0.75;
  judgement.result.threshold_at_far[-1] = 0.5F;
  return judgement;
}

TEST(VerificationReport, TellsSharesInPercent) {
  std::vector<PairJudgement> all = {judgement("a"), judgement("b")};
  all[1].to_first = {.mean = -0.01, .low = -0.02, .high = 0};
  const PairJudgement moved[] = {judgement("a, moved")};
  const nlohmann::json report = to_json(all, moved);
  const nlohmann::json& first = report.at("detectors").at(0);
  EXPECT_EQ(first.at("name"), "a");
  EXPECT_EQ(first.at("missed"), 3);
  EXPECT_DOUBLE_EQ(first.at("accuracy"), 98);
  EXPECT_DOUBLE_EQ(first.at("tar_at_far").at("1e-1"), 75);
  EXPECT_EQ(first.at("tar_at_far").at("1e-2"), nullptr);
  EXPECT_FALSE(first.contains("difference"));
  EXPECT_DOUBLE_EQ(report.at("detectors").at(1).at("difference").at("low"), -2);
  EXPECT_DOUBLE_EQ(report.at("moved_points").at(0).at("moved"), 1);
  EXPECT_THAT(format_pairs(all), HasSubstr("98.00"));
  EXPECT_THAT(format_differences(all), HasSubstr("b against a: -1.00 points of accuracy"));
}

TEST(VerificationReport, OfTemplatesTellsTheSameRates) {
  TemplateJudgement made;
  made.missed_faces = 2;
  made.pairs = 5;
  made.rates.tar = judgement("a").result.tar_at_far;
  made.rates.threshold = judgement("a").result.threshold_at_far;
  made.curve = {{0.01, 0.5}, {0.1, 0.75}};
  const TemplateJudgement all[] = {made};
  const nlohmann::json first = to_json(all).at("detectors").at(0);
  EXPECT_EQ(first.at("missed"), 2);
  EXPECT_EQ(first.at("pairs"), 5);
  EXPECT_DOUBLE_EQ(first.at("threshold_at_far").at("1e-1"), 0.5);
  EXPECT_THAT(format_templates(made), HasSubstr("75.00"));
  EXPECT_THAT(templates_diagram(all).lines.at(0).x, ::testing::ElementsAre(2, 1));
}

TEST(VerificationReport, IsReadForItsThresholds) {
  const retinaface::testing::TemporaryFolder folder;
  const PairJudgement all[] = {judgement("a")};
  const auto file = folder / "report.json";
  write_file_atomically(file, to_json(all, {}).dump());
  EXPECT_EQ(read_threshold(file, "1e-1"), 0.5F);
  const Error too_few = error_of([&] { read_threshold(file, "1e-2"); });
  EXPECT_EQ(too_few.code(), ErrorCode::kUnsupported);
  EXPECT_THAT(too_few.what(), HasSubstr("too few to tell a threshold for the rate 1e-2"));
  for (const char* const text : {"{}", "no json", R"({"detectors": []})"}) {
    write_file_atomically(file, std::string(text));
    const Error other = error_of([&] { read_threshold(file, "1e-1"); });
    EXPECT_EQ(other.code(), ErrorCode::kBadData);
    EXPECT_THAT(other.what(), HasSubstr("expected what `retinaface evaluate verification"));
  }
}

}  // namespace
}  // namespace retinaface::evaluation
