#include "evaluation/wider_evaluation.h"

#include <algorithm>
#include <numeric>
#include <random>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/file.h"
#include "support/mat_writer.h"
#include "support/random_results.h"
#include "support/testing.h"

namespace retinaface::evaluation {
namespace {

using testing::all_of;
using ::testing::ElementsAre;
using testing::error_of;
using testing::Predictions;
using testing::RandomSet;
using testing::TemporaryFolder;

/// WIDER's protocol as its description reads, step by step and without any saving: for each of the
/// 1000 thresholds every image is judged anew. Shares nothing with the code under test.
double literal_ap(const WiderGroundTruth& truth, const std::vector<std::size_t>& images,
                  const Predictions& predictions, std::size_t subset, double min_overlap) {
  double lowest = 1e300;
  double highest = 0;
  for (const std::size_t p : images) {
    for (const Detection& d : predictions[p]) {
      lowest = std::min(lowest, d.score);
      highest = std::max(highest, d.score);
    }
  }
  std::vector<std::pair<double, double>> points;  // recall, precision
  for (int t = 1; t <= 1000; ++t) {
    double counted_faces = 0;
    double right = 0;
    double judged = 0;
    for (const std::size_t p : images) {
      const WiderImage& image = truth.images[p];
      for (const auto flag : image.counted[subset]) counted_faces += flag;
      if (image.faces.empty()) continue;
      std::vector<Detection> sorted = predictions[p];
      std::stable_sort(sorted.begin(), sorted.end(),
                       [](const auto& a, const auto& b) { return a.score > b.score; });
      std::vector<bool> taken(image.faces.size());
      for (const Detection& d : sorted) {
        if ((d.score - lowest) / (highest - lowest) < 1 - t / 1000.0) break;
        std::vector<double> overlaps;
        for (const WiderBox& f : image.faces) {
          const double left = std::max(f.x, d.box.x);
          const double right_edge = std::min(f.x + f.width, d.box.x + d.box.width) + 1;
          const double top = std::max(f.y, d.box.y);
          const double bottom = std::min(f.y + f.height, d.box.y + d.box.height) + 1;
          const double shared = std::max(0.0, right_edge - left) * std::max(0.0, bottom - top);
          const double all =
              (f.width + 1) * (f.height + 1) + (d.box.width + 1) * (d.box.height + 1) - shared;
          overlaps.push_back(shared / all);
        }
        const auto best = std::max_element(overlaps.begin(), overlaps.end());
        const auto face = static_cast<std::size_t>(best - overlaps.begin());
        if (*best < min_overlap) {
          ++judged;
        } else if (image.counted[subset][face] != 0) {
          ++judged;
          if (!taken[face]) ++right;
          taken[face] = true;
        }
      }
    }
    if (judged > 0) points.emplace_back(right / counted_faces, right / judged);
  }
  double area = 0;
  double recall = 0;
  for (std::size_t i = 0; i < points.size(); ++i) {
    double best = 0;
    for (std::size_t j = i; j < points.size(); ++j) best = std::max(best, points[j].second);
    area += (points[i].first - recall) * best;
    recall = points[i].first;
  }
  return area;
}

TEST(WiderEvaluation, EqualsTheLiteralProtocol) {
  for (unsigned seed = 1; seed <= 12; ++seed) {
    const RandomSet set(seed);
    std::vector<std::size_t> images = all_of(set.truth);
    if (seed % 2 == 0) images = {1, 4, 5, 9, 20};
    const WiderReport report = evaluate_wider(set.truth, set.match(images));
    for (std::size_t s = 0; s < kSubsets.size(); ++s) {
      EXPECT_NEAR(report.subsets[s].average_precision,
                  literal_ap(set.truth, images, set.predictions, s, 0.5), 1e-12)
          << "seed " << seed << " subset " << s;
    }
    double map = 0;
    for (int i = 0; i < 10; ++i) {
      map += literal_ap(set.truth, images, set.predictions, 2, (50 + 5 * i) / 100.0) / 10;
    }
    EXPECT_NEAR(report.hard_map, map, 1e-12) << "seed " << seed;
  }
}

TEST(WiderEvaluation, DoesNotDependOnTheOrderOfImages) {
  const RandomSet set(77);
  std::vector<std::size_t> images = all_of(set.truth);
  const WiderReport straight = evaluate_wider(set.truth, set.match(images));
  std::shuffle(images.begin(), images.end(), std::mt19937(3));
  const WiderReport shuffled = evaluate_wider(set.truth, set.match(images));
  for (std::size_t s = 0; s < kSubsets.size(); ++s) {
    EXPECT_EQ(straight.subsets[s].average_precision, shuffled.subsets[s].average_precision);
    EXPECT_EQ(straight.subsets[s].curve.recall, shuffled.subsets[s].curve.recall);
  }
  EXPECT_EQ(straight.hard_map, shuffled.hard_map);
}

TEST(WiderEvaluation, DoesNotDependOnTheScaleOfScores) {
  RandomSet set(5);
  const auto before = evaluate_wider(set.truth, set.match(all_of(set.truth)));
  for (auto& image : set.predictions) {
    for (Detection& detection : image) detection.score = 8 * detection.score + 16;
  }
  const auto after = evaluate_wider(set.truth, set.match(all_of(set.truth)));
  EXPECT_NEAR(before.of(Subset::kHard).average_precision, after.of(Subset::kHard).average_precision,
              2e-2);  // a score may fall on the other side of a threshold
}

TEST(WiderEvaluationThreads, GiveTheSameResult) {
  const RandomSet set(6);
  const auto one = evaluate_wider(set.truth, set.match(all_of(set.truth)));
  const auto four = evaluate_wider(set.truth, set.match(all_of(set.truth), 4));
  EXPECT_EQ(one.of(Subset::kHard).average_precision, four.of(Subset::kHard).average_precision);
  const auto failing = [](std::size_t) -> std::vector<Detection> {
    throw Error(ErrorCode::kBadData, "bad image");
  };
  EXPECT_STREQ(error_of([&] { match_images(set.truth, all_of(set.truth), failing, 4); }).what(),
               "bad image");
}

TEST(WiderEvaluation, CountsEventsAndHeights) {
  WiderGroundTruth truth;
  truth.events = {"0--A", "1--B", "2--C"};
  const auto image = [](std::size_t event, std::vector<WiderBox> faces) {
    WiderImage result{.event = event, .name = "p", .faces = std::move(faces), .counted = {}};
    for (auto& flags : result.counted) flags.assign(result.faces.size(), 1);
    return result;
  };
  truth.images = {image(0, {{0, 0, 10, 12}, {100, 0, 10, 12}}), image(2, {{0, 0, 90, 400}})};
  const Predictions predictions = {{{{0, 0, 10, 12}, 0.9}, {{300, 0, 10, 10}, 0.8}},
                                   {{{0, 0, 90, 400}, 0.7}}};
  const std::size_t images[] = {0, 1};
  const WiderReport report = evaluate_wider(
      truth, match_images(truth, images, [&](std::size_t p) { return predictions[p]; }));
  EXPECT_EQ(report.images, 2U);
  ASSERT_EQ(report.events.size(), 2U);
  EXPECT_EQ(report.events[0].name, "0--A");
  EXPECT_EQ(report.events[0].subsets[2].recall.faces, 2);
  EXPECT_EQ(report.events[0].subsets[2].recall.found, 1);
  EXPECT_DOUBLE_EQ(report.events[0].subsets[2].average_precision, 0.5);
  EXPECT_EQ(report.events[1].name, "2--C");
  EXPECT_DOUBLE_EQ(report.events[1].subsets[2].average_precision, 1);
  std::int64_t faces = 0;
  for (const HeightReport& height : report.heights) {
    faces += height.recall.faces;
    if (height.min_height == 10) {
      EXPECT_EQ(height.recall.faces, 2);
      EXPECT_EQ(height.recall.found, 1);
      EXPECT_DOUBLE_EQ(height.average_precision, 0.5);  // the first of all is right
    }
  }
  EXPECT_EQ(faces, 3);
  EXPECT_EQ(report.heights.back().recall.found, 1);
  // The detection of a small face does not count; the false one comes before the right one.
  EXPECT_DOUBLE_EQ(report.heights.back().average_precision, 0.5);
}

namespace mat = testing::mat;

/// Writes ground truth of one event with two images; `counted` is the hard subset's first list.
void write_ground_truth(const TemporaryFolder& folder, const std::vector<double>& counted) {
  const std::string names = mat::cells({mat::text("a"), mat::text("b")});
  const std::string faces =
      mat::cells({mat::numbers(2, 4, {1, 2, 10, 20, 30, 40, 50, 60}), mat::numbers(0, 0, {})});
  write_file_atomically(folder / "wider_face_val.mat",
                        mat::file({mat::compressed(mat::cells({mat::text("0--A")}, "event_list")),
                                   mat::compressed(mat::cells({names}, "file_list")),
                                   mat::compressed(mat::cells({faces}, "face_bbx_list"))}));
  for (const char* subset : {"easy", "medium", "hard"}) {
    const std::string list =
        mat::cells({mat::numbers(counted.size(), 1, counted), mat::numbers(0, 1, {})});
    write_file_atomically(folder / (std::string("wider_") + subset + "_val.mat"),
                          mat::file({mat::cells({list}, "gt_list")}));
  }
}

TEST(WiderGroundTruth, IsReadFromItsFiles) {
  const TemporaryFolder folder;
  write_ground_truth(folder, {2});
  const WiderGroundTruth truth = read_wider_ground_truth(folder.path());
  EXPECT_THAT(truth.events, ElementsAre("0--A"));
  ASSERT_EQ(truth.images.size(), 2U);
  EXPECT_EQ(truth.path_of(truth.images[1]), "0--A/b");
  EXPECT_THAT(truth.images[0].faces, ElementsAre(WiderBox{1, 10, 30, 50}, WiderBox{2, 20, 40, 60}));
  EXPECT_THAT(truth.images[0].counted_in(Subset::kHard), ElementsAre(0, 1));
  EXPECT_TRUE(truth.images[1].faces.empty());
}

TEST(WiderGroundTruth, RejectsFacesThatDoNotExist) {
  const TemporaryFolder folder;
  for (const double number : {0.0, 3.0, 1.5}) {
    write_ground_truth(folder, {number});
    const Error error = error_of([&] { read_wider_ground_truth(folder.path()); });
    EXPECT_EQ(error.code(), ErrorCode::kBadData);
    EXPECT_THAT(error.what(), ::testing::HasSubstr("wider_easy_val.mat"));
  }
}

TEST(WiderGroundTruth, OfTheValidationSetIsComplete) {
  RF_NEED_DATA("wider/ground_truth");
  const auto truth = read_wider_ground_truth(testing::data_folder() / "wider/ground_truth");
  EXPECT_EQ(truth.events.size(), 61U);
  EXPECT_EQ(truth.images.size(), 3226U);
  std::array<std::ptrdiff_t, 3> faces{};
  for (const WiderImage& image : truth.images) {
    for (std::size_t s = 0; s < faces.size(); ++s) {
      faces[s] += std::count(image.counted[s].begin(), image.counted[s].end(), 1);
    }
  }
  EXPECT_THAT(faces, ElementsAre(7211, 13319, 31958));  // as WIDER FACE publishes them
}

}  // namespace
}  // namespace retinaface::evaluation
