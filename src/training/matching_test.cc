#include "training/matching.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <optional>

#include <gtest/gtest.h>

#include "base/random.h"
#include "detection/anchors.h"
#include "geometry/box.h"

namespace retinaface::training {
namespace {

using dataset::AnnotatedFace;

const models::AnchorFamily kFamily = {.levels = {{8, {16, 32}}, {16, {64, 128}}, {32, {256, 512}}}};

AnnotatedFace face_at(float x0, float y0, float x1, float y1, bool ignored = false) {
  AnnotatedFace face;
  face.box = {x0, y0, x1, y1};
  face.ignored = ignored;
  return face;
}

/// The rules over all anchors and all faces, without looking for shortcuts.
std::vector<std::int32_t> match_slowly(std::int64_t height, std::int64_t width,
                                       const std::vector<AnnotatedFace>& faces,
                                       const MatchingOptions& options) {
  const auto anchors = detection::make_anchors(kFamily, height, width);
  const auto overlap = [&](std::size_t a, std::size_t f) {
    const float half = anchors[a].size_px / 2;
    const Point c = anchors[a].center;
    return iou({c.x - half, c.y - half, c.x + half, c.y + half}, faces[f].box);
  };
  std::vector<std::int32_t> match(anchors.size(), kBackground);
  for (std::size_t a = 0; a < anchors.size(); ++a) {
    float best = 0;
    bool near_ignored = false;
    for (std::size_t f = 0; f < faces.size(); ++f) {
      const float value = overlap(a, f);
      if (faces[f].ignored) {
        near_ignored = near_ignored || value >= options.ignored_face_iou;
      } else if (value > best) {
        best = value;
        if (value >= options.positive_iou) match[a] = static_cast<std::int32_t>(f);
      }
    }
    if (best < options.positive_iou && (best >= options.negative_iou || near_ignored)) {
      match[a] = kNeither;
    }
  }
  for (std::size_t f = 0; options.force_best && f < faces.size(); ++f) {
    if (faces[f].ignored) continue;
    std::size_t best = 0;
    for (std::size_t a = 1; a < anchors.size(); ++a) {
      if (overlap(a, f) > overlap(best, f)) best = a;
    }
    if (overlap(best, f) >= options.force_above_iou) match[best] = static_cast<std::int32_t>(f);
  }
  return match;
}

TEST(Matching, FindsTheAnchorsOfAFaceThatIsOne) {
  // The square of side 16 on cell (2, 3) of stride 8 has its centre at (28, 20).
  const std::vector<AnnotatedFace> faces = {face_at(20, 12, 36, 28)};
  const auto match = match_anchors(kFamily, 64, 64, faces, {});
  const std::size_t own = (2 * 8 + 3) * 2;
  EXPECT_EQ(match[own], 0);
  EXPECT_EQ(std::ranges::count(match, 0), 1);
  // Its neighbours are 8 px off and share half: IoU 1/3, between the thresholds.
  for (const std::size_t neighbour : {own - 2, own + 2, own - 16, own + 16}) {
    EXPECT_EQ(match[neighbour], kNeither);
  }
  // Side 32 around it: IoU 1/4.
  EXPECT_EQ(match[own + 1], kBackground);
}

TEST(Matching, ForcesTheBestAnchorOfAFaceThatFitsNone) {
  const std::vector<AnnotatedFace> narrow = {face_at(20, 12, 26, 40)};  // IoU with 16 or 32: < 0.3
  MatchingOptions options;
  EXPECT_EQ(std::ranges::count(match_anchors(kFamily, 64, 64, narrow, options), 0), 0);
  options.force_best = true;
  EXPECT_EQ(std::ranges::count(match_anchors(kFamily, 64, 64, narrow, options), 0), 1);
  const std::vector<AnnotatedFace> tiny = {face_at(20, 12, 23, 15)};  // 9 / 256
  EXPECT_EQ(std::ranges::count(match_anchors(kFamily, 64, 64, tiny, options), 0), 0);
}

TEST(Matching, BoxesWithoutAreaAndNoFacesAreBackground) {
  const std::vector<AnnotatedFace> empty = {face_at(20, 12, 20, 28), face_at(9, 9, 5, 5)};
  const auto match = match_anchors(kFamily, 64, 64, empty, {.force_best = true});
  EXPECT_EQ(static_cast<std::size_t>(std::ranges::count(match, kBackground)), match.size());
  EXPECT_EQ(match_anchors(kFamily, 64, 64, {}, {}), match);
}

/// Adaptive selection over all anchors sorted by their distance.
std::vector<std::int32_t> match_adaptively_slowly(std::int64_t height, std::int64_t width,
                                                  const std::vector<AnnotatedFace>& faces,
                                                  const MatchingOptions& options) {
  const auto anchors = detection::make_anchors(kFamily, height, width);
  const auto overlap = [&](std::size_t a, std::size_t f) {
    const float half = anchors[a].size_px / 2;
    const Point c = anchors[a].center;
    return iou({c.x - half, c.y - half, c.x + half, c.y + half}, faces[f].box);
  };
  std::vector<std::int32_t> match(anchors.size(), kBackground);
  std::vector<std::vector<std::size_t>> candidates(faces.size());
  for (std::size_t f = 0; f < faces.size(); ++f) {
    if (faces[f].ignored) continue;
    const Point center = faces[f].box.center();
    std::size_t first = 0;
    for (const models::AnchorLevel& level : kFamily.levels) {
      const auto grid = detection::grid_of(level, height, width);
      std::vector<std::size_t> all(static_cast<std::size_t>(grid.height * grid.width) *
                                   level.sizes_px.size());
      std::iota(all.begin(), all.end(), first);
      first += all.size();
      const auto distance = [&](std::size_t a) {
        const float dx = anchors[a].center.x - center.x;
        const float dy = anchors[a].center.y - center.y;
        return dx * dx + dy * dy;
      };
      std::ranges::stable_sort(all, {}, distance);
      all.resize(std::min(all.size(), static_cast<std::size_t>(options.candidates)));
      candidates[f].insert(candidates[f].end(), all.begin(), all.end());
    }
    double mean = 0;
    double deviation = 0;
    const auto count = static_cast<double>(candidates[f].size());
    for (const std::size_t a : candidates[f]) mean += static_cast<double>(overlap(a, f)) / count;
    for (const std::size_t a : candidates[f]) {
      deviation += std::pow(static_cast<double>(overlap(a, f)) - mean, 2) / (count - 1);
    }
    const auto threshold = static_cast<float>(mean + std::sqrt(deviation));
    for (const std::size_t a : candidates[f]) {
      const bool better =
          match[a] < 0 || overlap(a, f) > overlap(a, static_cast<std::size_t>(match[a]));
      if (overlap(a, f) >= threshold && contains(faces[f].box, anchors[a].center) && better) {
        match[a] = static_cast<std::int32_t>(f);
      }
    }
  }
  const auto by_threshold = match;
  for (std::size_t a = 0; a < anchors.size(); ++a) {
    for (std::size_t f = 0; f < faces.size(); ++f) {
      if (faces[f].ignored && match[a] < 0 && overlap(a, f) >= options.ignored_face_iou) {
        match[a] = kNeither;
      }
    }
  }
  for (std::size_t f = 0; options.force_best && f < faces.size(); ++f) {
    if (faces[f].ignored || std::ranges::count(by_threshold, static_cast<std::int32_t>(f)) > 0) {
      continue;
    }
    float most = options.force_above_iou;
    std::optional<std::size_t> best;
    for (const std::size_t a : candidates[f]) {
      if (match[a] < 0 && (overlap(a, f) > most || (!best && overlap(a, f) >= most))) {
        most = overlap(a, f);
        best = a;
      }
    }
    if (best && most > 0) match[*best] = static_cast<std::int32_t>(f);
  }
  return match;
}

TEST(Matching, AdaptivelyEqualsTheRulesTakenLiterally) {
  Random random(6);
  for (const bool force : {false, true}) {
    const MatchingOptions options = {.method = MatchingMethod::kAtss,
                                     .force_best = force,
                                     .force_above_iou = 0.02F,
                                     .ignored_face_iou = 0.25F};
    for (int round = 0; round < 20; ++round) {
      std::vector<AnnotatedFace> faces;
      for (int i = 0; i < 12; ++i) {
        const auto x = static_cast<float>(random.uniform(-10, 150));
        const auto y = static_cast<float>(random.uniform(-10, 120));
        const auto side = static_cast<float>(std::exp(random.uniform(1.2, 5.0)));
        faces.push_back(face_at(x, y, x + side,
                                y + side * static_cast<float>(random.uniform(0.7, 1.6)),
                                random.chance(0.3)));
      }
      EXPECT_EQ(match_anchors(kFamily, 130, 161, faces, options),
                match_adaptively_slowly(130, 161, faces, options));
    }
  }
}

TEST(Matching, AdaptivelyGivesFacesOfAllSizesSome) {
  const MatchingOptions options = {
      .method = MatchingMethod::kAtss, .force_best = true, .force_above_iou = 0};
  for (const float side : {5.0F, 7.0F, 12.0F, 23.0F, 45.0F, 90.0F, 180.0F, 360.0F, 600.0F}) {
    const std::vector<AnnotatedFace> faces = {face_at(21, 17, 21 + side, 17 + 1.2F * side)};
    const auto found = std::ranges::count(match_anchors(kFamily, 640, 640, faces, options), 0);
    EXPECT_GE(found, 1) << side;
    EXPECT_LE(found, 12) << side;
  }
}

TEST(Matching, EqualsTheRulesTakenLiterally) {
  Random random(5);
  for (const MatchingOptions& options : {MatchingOptions{}, MatchingOptions{.positive_iou = 0.35F,
                                                            .negative_iou = 0.35F,
                                                            .force_best = true,
                                                            .ignored_face_iou = 0.2F}}) {
    for (int round = 0; round < 20; ++round) {
      std::vector<AnnotatedFace> faces;
      for (int i = 0; i < 12; ++i) {
        const auto x = static_cast<float>(random.uniform(-10, 150));
        const auto y = static_cast<float>(random.uniform(-10, 120));
        const auto side = static_cast<float>(std::exp(random.uniform(1.5, 5.0)));
        faces.push_back(face_at(x, y, x + side,
                                y + side * static_cast<float>(random.uniform(0.7, 1.6)),
                                random.chance(0.3)));
      }
      EXPECT_EQ(match_anchors(kFamily, 130, 161, faces, options),
                match_slowly(130, 161, faces, options));
    }
  }
}

}  // namespace
}  // namespace retinaface::training
