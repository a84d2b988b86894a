#include "models/search_policy.h"

#include <algorithm>
#include <cmath>

#include <gtest/gtest.h>

#include "models/catalogue.h"

namespace retinaface::models {
namespace {

TEST(SearchPolicy, TheDefaultModelKeepsWhatWasMeasured) {
  const Model& model = find_model(kDefaultModel);
  EXPECT_EQ(model.detector().search, SearchPolicy{.drops_implausible = true});
}

TEST(DerivedSearchPolicy, IsTheMeasuredOneForTheAnchorsThatItWasMeasuredWith) {
  EXPECT_EQ(derived_search_policy(find_model(kDefaultModel).detector().anchors), SearchPolicy{});
}

TEST(DerivedSearchPolicy, MovesWithTheAnchors) {
  // Anchors of 20 to 640 px, strides up to 64.
  const AnchorFamily anchors = {.levels = {{8, {20}}, {64, {640}}}};
  SearchPolicy expected;
  expected.one_pass_side_px = 800;
  expected.coarsest_side_px = 640;
  expected.max_face_px = 560;
  expected.min_part_px = 160;
  expected.scale_step = 8;
  expected.enlarged_below_px = 800;
  expected.max_enlarged_face_px = 80;
  expected.min_face_px = 50;
  expected.max_refined_px = 30;
  expected.crop_margin_px = 10;
  expected.same_face_px = 10;
  expected.crop_side_px = 48;  // 40, to a multiple of 16
  expected.crop_scale = 4;     // 144 is no multiple of 64, 192 is
  EXPECT_EQ(derived_search_policy(anchors), expected);
}

TEST(DerivedSearchPolicy, EnlargesCropsToWholeCellsOfAnyStride) {
  for (int stride = 1; stride <= 64; ++stride) {
    const SearchPolicy policy = derived_search_policy({.levels = {{stride, {8.5F, 100}}}});
    EXPECT_EQ(policy.crop_side_px * policy.crop_scale % stride, 0) << stride;
    EXPECT_GE(policy.crop_side_px, 17) << stride;
  }
}

TEST(SearchPolicy, EveryRowsHoldsTogether) {
  for (const Model& model : catalogue()) {
    const SearchPolicy& policy = model.detector().search;
    float largest = 0;
    int coarsest_stride = 0;
    for (const AnchorLevel& level : model.detector().anchors.levels) {
      coarsest_stride = std::max(coarsest_stride, level.stride_px);
      largest = std::max(largest, std::ranges::max(level.sizes_px));
    }
    EXPECT_LE(policy.max_face_px, largest) << model.name;
    EXPECT_LE(policy.coarsest_side_px, std::ceil(largest)) << model.name;
    EXPECT_GT(policy.scale_step, 1) << model.name;
    EXPECT_LT(policy.scale_step, policy.max_face_px / policy.min_face_px) << model.name;
    EXPECT_EQ(policy.crop_side_px * policy.crop_scale % coarsest_stride, 0) << model.name;
    EXPECT_EQ(policy.turned.view_px % coarsest_stride, 0) << model.name;
    // A face that is looked at again is smaller in the view than in the image.
    EXPECT_LT(static_cast<float>(policy.large.view_px) / policy.large.view_by_face,
              policy.large.min_face_px)
        << model.name;
    // A face that crops are for fits between the margins, enlarged to what the pyramid takes.
    EXPECT_LT(2 * policy.crop_margin_px, static_cast<float>(policy.crop_side_px)) << model.name;
    EXPECT_LT(policy.max_refined_px * static_cast<float>(policy.crop_scale), policy.max_face_px)
        << model.name;
  }
}

}  // namespace
}  // namespace retinaface::models
