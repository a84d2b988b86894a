#include "dataset/check_annotations.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "dataset/testing.h"

namespace retinaface::dataset {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

std::vector<Defect> flaws_of(const std::vector<AnnotatedFace>& faces, int width = 100,
                             int height = 80) {
  std::vector<Defect> defects;
  for (const FoundDefect& finding : check_faces({"a.jpg", faces}, width, height)) {
    defects.push_back(finding.defect);
  }
  return defects;
}

AnnotatedFace with_point(Point point) {
  AnnotatedFace face{.box = {10, 10, 30, 50}};
  face.points[2] = {point, PointState::kVisible};
  return face;
}

TEST(CheckAnnotations, FindsNothingInASoundSet) {
  for (const AnnotatedImage& image : full_set()) {
    EXPECT_THAT(check_faces(image, image.width, image.height), IsEmpty());
  }
  EXPECT_THAT(check_entries(full_set()), IsEmpty());
  EXPECT_THAT(flaws_of({{.box = {0, 0, 100, 80}}}), IsEmpty());
}

TEST(CheckAnnotations, FindsBoxesOfNoArea) {
  EXPECT_THAT(flaws_of({{.box = {5, 5, 5, 9}}}), ElementsAre(Defect::kBoxEmpty));
  EXPECT_THAT(flaws_of({{.box = {9, 5, 5, 9}}}), ElementsAre(Defect::kBoxEmpty));
}

TEST(CheckAnnotations, FindsBoxesOutsideTheImage) {
  for (const Box& box : {Box{-2, 5, 9, 9}, Box{5, -2, 9, 9}, Box{5, 5, 102, 9}, Box{5, 5, 9, 82}}) {
    EXPECT_THAT(flaws_of({{.box = box}}), ElementsAre(Defect::kBoxOutside));
    EXPECT_THAT(flaws_of({{.box = box}}, 0, 0), IsEmpty()) << "the size is not known";
    EXPECT_THAT(flaws_of({{.box = box, .box_is_estimate = true}}), IsEmpty());
  }
  EXPECT_THAT(flaws_of({{.box = {-1, -1, 101, 81}}}), IsEmpty()) << "rounded outward";
}

TEST(CheckAnnotations, FindsPointsOutside) {
  EXPECT_THAT(flaws_of({with_point({20, 30})}), IsEmpty());
  EXPECT_THAT(flaws_of({with_point({49, 30})}), IsEmpty()) << "19 px from a box of 40";
  EXPECT_THAT(flaws_of({with_point({51, 30})}), ElementsAre(Defect::kPointFar));
  EXPECT_THAT(flaws_of({with_point({-2, 30})}), ElementsAre(Defect::kPointOutside));
  EXPECT_THAT(flaws_of({with_point({20, 90})}),
              ElementsAre(Defect::kPointOutside, Defect::kPointFar));
  AnnotatedFace missing = with_point({-500, -500});
  missing.points[2].state = PointState::kMissing;
  EXPECT_THAT(flaws_of({missing}), IsEmpty());
}

TEST(CheckAnnotations, FindsWhatComesTwice) {
  const AnnotatedFace face{.box = {5, 5, 9, 9}};
  EXPECT_THAT(flaws_of({face, {.box = {5, 5, 9, 10}}, face}), ElementsAre(Defect::kFaceTwice));
  const auto findings = check_entries({{"a.jpg", {}}, {"b.jpg", {}}, {"a.jpg", {face}}});
  ASSERT_EQ(findings.size(), 1U);
  EXPECT_EQ(findings[0].defect, Defect::kImageTwice);
  EXPECT_EQ(findings[0].text, "a.jpg: entries 1 and 3 are of this image");
}

TEST(CheckAnnotations, FindsPointsInThePersonsOrder) {
  AnnotatedFace face{.box = {0, 0, 20, 20}};
  const Landmarks points = {{{5, 5}, {15, 5}, {10, 10}, {6, 15}, {14, 15}}};
  for (std::size_t i = 0; i < 5; ++i) face.points[i] = {points[i], PointState::kVisible};
  AnnotatedFace exchanged = face;
  std::swap(exchanged.points[0], exchanged.points[1]);
  std::swap(exchanged.points[3], exchanged.points[4]);
  EXPECT_THAT(check_entries({{"a", {face, exchanged}}}), IsEmpty()) << "one may be upside down";
  const auto findings = check_entries({{"a", {face, exchanged, exchanged}}});
  ASSERT_EQ(findings.size(), 1U);
  EXPECT_EQ(findings[0].defect, Defect::kPointsExchanged);
  EXPECT_THAT(findings[0].text, HasSubstr("in 2 of 3 faces"));
}

TEST(CheckAnnotations, Summarises) {
  const SetSummary summary = summarise(full_set());
  EXPECT_EQ(summary.images, 3U);
  EXPECT_EQ(summary.without_face, 1U);
  EXPECT_EQ(summary.faces, 3U);
  EXPECT_EQ(summary.ignored, 1U);
  EXPECT_EQ(summary.with_points, 0U);
  EXPECT_EQ(summary.with_some_points, 1U);
  EXPECT_EQ(summary.with_hidden_points, 1U);
  EXPECT_THAT(summary.by_quality, ElementsAre(0, 0, 1, 0, 0));
  EXPECT_THAT(summary.by_size, ElementsAre(1, 1, 0, 1, 0, 0, 0)) << "sides 3, 8 and 40";
}

}  // namespace
}  // namespace retinaface::dataset
