#include "evaluation/wider_protocol.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "evaluation/average_precision.h"

namespace retinaface::evaluation {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using Flags = std::vector<std::uint8_t>;

/// Matches with thresholds set over this image alone.
std::vector<Match> placed(std::span<const WiderBox> faces, std::span<const Detection> detections) {
  std::vector<Match> matches = match_faces(faces, detections);
  ScoreRange range;
  for (const Match& match : matches) range.include(match.score);
  range.place(matches);
  return matches;
}

double ap(std::span<const WiderBox> faces, std::span<const Detection> detections,
          const Flags& counted) {
  PrecisionRecallCounts tally;
  tally.add(steps_of(placed(faces, detections), counted, 0.5),
            std::count(counted.begin(), counted.end(), 1));
  return average_precision(tally.curve());
}

constexpr WiderBox kLeft{0, 0, 9, 9};
constexpr WiderBox kRight{100, 0, 9, 9};
constexpr WiderBox kNowhere{500, 500, 9, 9};

TEST(WiderOverlap, CountsTheLastColumnAsInside) {
  // 10x10 pixels each, columns 5 to 9 shared: 50 of 150.
  EXPECT_DOUBLE_EQ(wider_overlap({0, 0, 9, 9}, {5, 0, 9, 9}), 50.0 / 150);
  EXPECT_DOUBLE_EQ(wider_overlap(kLeft, kLeft), 1);
  EXPECT_EQ(wider_overlap(kLeft, kRight), 0);
  // Boxes that touch share a column in WIDER's terms, and a box without width has one.
  EXPECT_DOUBLE_EQ(wider_overlap({0, 0, 9, 9}, {9, 0, 9, 9}), 10.0 / 190);
  EXPECT_DOUBLE_EQ(wider_overlap({3, 3, 0, 0}, {3, 3, 0, 0}), 1);
  // The annotations hold boxes of negative width; they overlap nothing.
  EXPECT_EQ(wider_overlap({3, 3, -2, 4}, kLeft), 0);
}

TEST(Match, IsTheFirstOfTheFacesOverlappedMost) {
  const WiderBox faces[] = {{4, 0, 9, 9}, kLeft, kLeft};
  const Detection detections[] = {{kLeft, 0.5}, {kNowhere, 0.9}};
  const auto matches = match_faces(faces, detections);
  ASSERT_EQ(matches.size(), 2U);
  EXPECT_EQ(matches[0].face, -1);  // the higher score comes first
  EXPECT_EQ(matches[1].face, 1);
  EXPECT_EQ(matches[1].overlap, 1);
}

TEST(Match, KeepsTheOrderGivenWhereScoresAreEqual) {
  const WiderBox faces[] = {kLeft, kRight};
  const Detection detections[] = {{kRight, 0.5}, {kLeft, 0.5}, {kNowhere, 0.7}};
  const auto matches = match_faces(faces, detections);
  EXPECT_EQ(matches[0].face, -1);
  EXPECT_EQ(matches[1].face, 1);
  EXPECT_EQ(matches[2].face, 0);
}

TEST(ScoreRange, MakesTheLowestZeroAndTheHighestOne) {
  ScoreRange range;
  for (const double score : {0.4, 0.2, 0.6}) range.include(score);
  EXPECT_EQ(range.normalized(0.2), 0);
  EXPECT_DOUBLE_EQ(range.normalized(0.4), 0.5);
  EXPECT_EQ(range.normalized(0.6), 1);
  // Thresholds are 0.999, 0.998 ... 0; a score on one passes it.
  std::vector<Match> matches = {{.score = 0.6}, {.score = 0.4}, {.score = 0.2}};
  range.place(matches);
  EXPECT_EQ(matches[0].threshold, 0);
  EXPECT_EQ(matches[1].threshold, 499);
  EXPECT_EQ(matches[2].threshold, 999);
}

TEST(ScoreRange, TakesZeroForTheHighestOfNegativeScores) {
  ScoreRange range;
  for (const double score : {-4.0, -1.0}) range.include(score);
  EXPECT_EQ(range.normalized(-4), 0);
  EXPECT_EQ(range.normalized(-1), 0.75);
}

TEST(ScoreRange, OfEqualScoresIsOne) {
  ScoreRange range;
  range.include(0.3);
  EXPECT_EQ(range.normalized(0.3), 1);
}

TEST(Judge, GivesEachDetectionAVerdict) {
  const WiderBox faces[] = {kLeft, kRight};
  const Detection detections[] = {{kLeft, 0.9}, {kLeft, 0.8}, {kRight, 0.7}, {kNowhere, 0.6}};
  EXPECT_THAT(judge(placed(faces, detections), Flags{1, 0}, 0.5),
              ElementsAre(MatchOutcome::kFound, MatchOutcome::kWrong, MatchOutcome::kIgnored,
                          MatchOutcome::kWrong));
  EXPECT_THAT(judge(placed({}, detections), Flags{}, 0.5), ::testing::Each(MatchOutcome::kIgnored));
}

TEST(Judge, CountsADuplicateAsFalsePositive) {
  const WiderBox faces[] = {kLeft};
  const Detection detections[] = {{kLeft, 0.9}, {kLeft, 0.5}};
  const auto steps = steps_of(placed(faces, detections), Flags{1}, 0.5);
  EXPECT_THAT(steps, ElementsAre(Step{0, 1, 1}, Step{999, 1, 0}));
}

TEST(Judge, PassesOverIgnoredFaces) {
  const WiderBox faces[] = {kLeft, kRight};
  const Detection detections[] = {{kRight, 0.9}, {kRight, 0.8}, {kLeft, 0.5}};
  const auto steps = steps_of(placed(faces, detections), Flags{1, 0}, 0.5);
  EXPECT_THAT(steps, ElementsAre(Step{999, 1, 1}));
}

TEST(Judge, GivesADetectionOnlyToTheFaceItOverlapsMost) {
  // The detection overlaps both, the ignored face more: it does not find the other.
  const WiderBox faces[] = {{3, 0, 9, 9}, kLeft};
  ASSERT_GT(wider_overlap(faces[0], kLeft), 0.5);
  const Detection detections[] = {{kLeft, 0.9}};
  EXPECT_THAT(steps_of(placed(faces, detections), Flags{1, 0}, 0.5), IsEmpty());
}

TEST(Judge, AsksForTheOverlapInclusively) {
  const WiderBox faces[] = {{0, 0, 9, 9}};
  const Detection half[] = {{{0, 0, 9, 4}, 0.9}};  // 50 of 100 pixels
  EXPECT_THAT(steps_of(placed(faces, half), Flags{1}, 0.5), ElementsAre(Step{0, 1, 1}));
  EXPECT_THAT(steps_of(placed(faces, half), Flags{1}, 0.51), ElementsAre(Step{0, 1, 0}));
}

TEST(Judge, SumsWhatLiesBetweenTwoThresholds) {
  const WiderBox faces[] = {kLeft, kRight};
  const Detection detections[] = {
      {kLeft, 1.0}, {kRight, 0.9999}, {kNowhere, 0.9998}, {kNowhere, 0}};
  EXPECT_THAT(steps_of(placed(faces, detections), Flags{1, 1}, 0.5),
              ElementsAre(Step{0, 3, 2}, Step{999, 1, 0}));
}

TEST(Judge, FindsNothingInAnImageWithoutFaces) {
  const Detection detections[] = {{kLeft, 0.9}};
  EXPECT_THAT(steps_of(placed({}, detections), Flags{}, 0.5), IsEmpty());
  // With faces that do not count it is different: the detection is wrong.
  const WiderBox faces[] = {kRight};
  EXPECT_THAT(steps_of(placed(faces, detections), Flags{0}, 0.5), ElementsAre(Step{0, 1, 0}));
}

TEST(AveragePrecision, OfHandWorkedCases) {
  const WiderBox faces[] = {kLeft, kRight};
  const Flags both{1, 1};
  const Detection perfect[] = {{kLeft, 0.9}, {kRight, 0.8}};
  EXPECT_DOUBLE_EQ(ap(faces, perfect, both), 1);
  // Right, wrong, right: recall 1/2 at precision 1, recall 1 at 2/3.
  const Detection mixed[] = {{kLeft, 0.9}, {kNowhere, 0.7}, {kRight, 0.5}};
  EXPECT_DOUBLE_EQ(ap(faces, mixed, both), 0.5 + 0.5 * 2 / 3);
  // Wrong, right, right: the precision at a recall is the best at any greater: 2/3 for both.
  const Detection late[] = {{kNowhere, 0.9}, {kLeft, 0.7}, {kRight, 0.5}};
  EXPECT_DOUBLE_EQ(ap(faces, late, both), 2.0 / 3);
  // A tie counts as a whole: one right and one wrong at once.
  const Detection tie[] = {{kNowhere, 0.9}, {kLeft, 0.9}};
  EXPECT_DOUBLE_EQ(ap(faces, tie, both), 0.25);
  EXPECT_DOUBLE_EQ(ap(faces, {}, both), 0);
  EXPECT_DOUBLE_EQ(ap(faces, perfect, Flags{0, 0}), 0);
}

TEST(PrecisionRecallCounts, CountsTheImagesWithoutDetections) {
  const WiderBox faces[] = {kLeft, kRight};
  const Detection perfect[] = {{kLeft, 0.9}, {kRight, 0.8}};
  PrecisionRecallCounts tally;
  tally.add(steps_of(placed(faces, perfect), Flags{1, 1}, 0.5), 2);
  tally.add({}, 2);
  EXPECT_EQ(tally.faces(), 4);
  EXPECT_EQ(tally.found(), 2);
  EXPECT_DOUBLE_EQ(average_precision(tally.curve()), 0.5);
}

TEST(PrecisionRecallCounts, TakesAnImageSeveralTimes) {
  const Step steps[] = {{0, 2, 1}, {5, 1, 1}};
  PrecisionRecallCounts once;
  PrecisionRecallCounts thrice;
  for (int i = 0; i < 3; ++i) once.add(steps, 4);
  thrice.add(steps, 4, 3);
  EXPECT_EQ(thrice.faces(), 12);
  EXPECT_EQ(once.curve().recall, thrice.curve().recall);
  EXPECT_EQ(once.curve().precision, thrice.curve().precision);
}

}  // namespace
}  // namespace retinaface::evaluation
