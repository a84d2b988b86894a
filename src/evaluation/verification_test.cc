#include "evaluation/verification.h"

#include <algorithm>
#include <cmath>
#include <random>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/file.h"
#include "support/testing.h"

namespace retinaface::evaluation {
namespace {

using retinaface::testing::error_of;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

PairList list_of(const std::vector<std::vector<bool>>& same) {
  PairList pairs;
  for (const auto& fold : same) {
    auto& made = pairs.folds.emplace_back();
    for (const bool one : fold) {
      made.push_back({pairs.images.size(), pairs.images.size() + 1, one});
      pairs.images.resize(pairs.images.size() + 2);
    }
  }
  return pairs;
}

TEST(ReadPairs, RefusesASplitOfCfpWithoutPairs) {
  const retinaface::testing::TemporaryFolder protocol;
  for (const char* const split : {"01", "02"}) {
    const auto folder = protocol / "Split" / "FP" / split;
    std::filesystem::create_directories(folder);
    write_file_atomically(folder / "same.txt", std::string());
    write_file_atomically(folder / "diff.txt", std::string(split) == "01" ? "1,1\n" : "\n");
  }
  write_file_atomically(protocol / "Pair_list_F.txt", std::string("1 ../a.jpg\n"));
  write_file_atomically(protocol / "Pair_list_P.txt", std::string("1 ../b.jpg\n"));
  const Error error = error_of([&] { read_pairs(protocol.path()); });
  EXPECT_EQ(error.code(), ErrorCode::kBadData);
  EXPECT_THAT(error.what(), HasSubstr("Split/FP/02: expected pairs"));
}

TEST(Verify, RefusesAFoldWithoutPairs) {
  const PairList pairs = list_of({{true, false}, {}});
  const Error error = error_of([&] { verify(pairs, {{0.9F, 0.1F}, {}}); });
  EXPECT_EQ(error.code(), ErrorCode::kBadData);
  EXPECT_THAT(error.what(), HasSubstr("found none in fold 2"));
}

TEST(ReadPairs, TakesLfwsFormAndLinesOfPaths) {
  const retinaface::testing::TemporaryFolder folder;
  write_file_atomically(
      folder / "pairs.txt",
      std::string("2\t1\nAnn_A\t1\t4\nAnn_A\t1\tBob\t12\nBob\t2\t3\r\nBob 2 Eve 1\n"));
  const PairList pairs = read_pairs(folder / "pairs.txt");
  EXPECT_THAT(pairs.images,
              ElementsAre("Ann_A/Ann_A_0001.jpg", "Ann_A/Ann_A_0004.jpg", "Bob/Bob_0012.jpg",
                          "Bob/Bob_0002.jpg", "Bob/Bob_0003.jpg", "Eve/Eve_0001.jpg"));
  ASSERT_EQ(pairs.folds.size(), 2U);
  EXPECT_TRUE(pairs.folds[0][0].same);
  EXPECT_FALSE(pairs.folds[0][1].same);
  EXPECT_EQ(pairs.folds[0][1].second, 2U);
  EXPECT_EQ(pairs.folds[1][1].first, 3U);

  std::string lines;
  for (int i = 0; i < 25; ++i)
    lines += "a/x.jpg b/" + std::to_string(i) + ".png " + (i % 2 == 0 ? "1\n" : "0\n");
  write_file_atomically(folder / "list.txt", lines);
  const PairList ten = read_pairs(folder / "list.txt");
  ASSERT_EQ(ten.folds.size(), 10U);
  EXPECT_EQ(ten.images.size(), 26U);
  EXPECT_TRUE(ten.folds[0][0].same);

  const std::pair<std::string, std::string> bad[] = {
      {"2 1\nAnn 1 2\n", "expected 4 pairs, as its first line says, found 1"},
      {"1 1\nAnn 1 x\nBob 1 Eve 2\n", ":2: expected NAME i j"},
      {"0 5\n", ":1: expected NAME i j"},
      {"a b 2\n", ":1: expected"},
      {"a b 1\n", "expected 10 pairs or more, found 1"}};
  for (const auto& [content, message] : bad) {
    write_file_atomically(folder / "bad.txt", content);
    EXPECT_THAT(error_of([&] { read_pairs(folder / "bad.txt"); }).what(), HasSubstr(message));
  }
}

/// Every threshold tried on the other folds, one by one.
double slow_accuracy(const PairList& pairs, const Similarities& similarities) {
  double sum = 0;
  for (std::size_t fold = 0; fold < pairs.folds.size(); ++fold) {
    const auto right_at = [&](double threshold, auto&& takes) {
      int right = 0;
      for (std::size_t f = 0; f < pairs.folds.size(); ++f) {
        if (!takes(f)) continue;
        for (std::size_t i = 0; i < pairs.folds[f].size(); ++i) {
          right += (double{similarities[f][i].value_or(-9)} >= threshold) == pairs.folds[f][i].same;
        }
      }
      return right;
    };
    std::set<double> values = {-10, 10};
    for (std::size_t f = 0; f < pairs.folds.size(); ++f) {
      if (f == fold) continue;
      for (const auto& value : similarities[f]) values.insert(double{value.value_or(-9)});
    }
    int best = -1;
    double best_threshold = 0;
    double before = -11;
    for (const double value : values) {
      const double threshold = (before + value) / 2;
      const int right = right_at(threshold, [&](std::size_t f) { return f != fold; });
      if (right > best) {
        best = right;
        best_threshold = threshold;
      }
      before = value;
    }
    sum += right_at(best_threshold, [&](std::size_t f) { return f == fold; }) /
           static_cast<double>(pairs.folds[fold].size());
  }
  return sum / static_cast<double>(pairs.folds.size());
}

TEST(Verify, FindsWhatTryingAllThresholdsFinds) {
  std::mt19937 random(4);
  std::normal_distribution<float> noise(0, 0.3F);
  for (int round = 0; round < 20; ++round) {
    std::vector<std::vector<bool>> same(5);
    Similarities similarities(5);
    for (std::size_t fold = 0; fold < 5; ++fold) {
      for (int i = 0; i < 30; ++i) {
        same[fold].push_back(i % 2 == 0);
        similarities[fold].emplace_back((i % 2 == 0 ? 0.5F : 0.0F) + noise(random));
      }
    }
    const PairList pairs = list_of(same);
    EXPECT_NEAR(verify(pairs, similarities).accuracy, slow_accuracy(pairs, similarities), 1e-12);
  }
}

TEST(Verify, TellsRatesOnlyAsFarAsThePairsDo) {
  // 20 different pairs: a rate of 0.1 allows two of them, 0.01 none.
  PairList pairs = list_of({std::vector<bool>(40)});
  Similarities similarities(1, std::vector<std::optional<float>>(40));
  for (std::size_t i = 0; i < 40; ++i) {
    pairs.folds[0][i].same = i < 20;
    similarities[0][i] = static_cast<float>(i < 20 ? i : i - 3) / 40;  // 17 / 40 to 36 / 40
  }
  similarities[0][39] = 0.99F;
  const VerificationResult result = verify(pairs, similarities);
  // Of the different ones 0.99 and 35 / 40 may be accepted: no same pair is above 34 / 40.
  EXPECT_EQ(result.tar_at_far.at(-1), 0.0);
  EXPECT_EQ(result.tar_at_far.at(-2), std::nullopt);
  EXPECT_EQ(result.tar_at_far.at(-6), std::nullopt);
  EXPECT_NEAR(*result.threshold_at_far.at(-1), 35 / 40.0, 1e-6);
}

TEST(Verify, APairWithoutAFaceIsAsIfOfTwoPersons) {
  const PairList pairs = list_of({{true, true, false, false}, {true, true, false, false}});
  const Similarities similarities = {{0.9F, std::nullopt, std::nullopt, 0.1F},
                                     {0.8F, 0.9F, 0.2F, 0.1F}};
  const VerificationResult result = verify(pairs, similarities);
  EXPECT_EQ(result.missed_pairs, 2U);
  EXPECT_THAT(result.right[0], ElementsAre(true, false, true, true));
  EXPECT_NEAR(result.accuracy, (0.75 + 1) / 2, 1e-12);
  EXPECT_NEAR(result.accuracy_error, std::sqrt(2 * 0.125 * 0.125 / 1 / 2), 1e-12);
}

TEST(AccuracyDifference, LiesInItsInterval) {
  const PairList pairs = list_of({std::vector<bool>(200, true)});
  VerificationResult a;
  VerificationResult b;
  a.right = {std::vector<bool>(200, true)};
  b.right = a.right;
  for (std::size_t i = 0; i < 10; ++i) b.right[0][7 * i] = false;
  const AccuracyDifference difference = accuracy_difference(a, b);
  EXPECT_NEAR(difference.mean, -0.05, 1e-12);
  // The deviation of a mean of 200 such differences is 0.0154.
  EXPECT_NEAR(difference.low, -0.05 - 2 * 0.0154, 0.01);
  EXPECT_NEAR(difference.high, -0.05 + 2 * 0.0154, 0.01);
  EXPECT_EQ(accuracy_difference(a, a).high, 0);
}

TEST(Roc, RisesFromNothingToAll) {
  const PairList pairs = list_of({{true, false, true, false}});
  const auto points = roc(pairs, {{0.9F, 0.5F, 0.5F, 0.1F}});
  ASSERT_EQ(points.size(), 4U);
  EXPECT_EQ(points[1].tar, 0.5);
  EXPECT_EQ(points[1].far, 0);
  EXPECT_EQ(points[2].tar, 1);  // equal similarities are accepted together
  EXPECT_EQ(points[2].far, 0.5);
  EXPECT_EQ(points[3].far, 1);
}

}  // namespace
}  // namespace retinaface::evaluation
