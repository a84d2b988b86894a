#include "detection/search.h"

#include <algorithm>
#include <vector>

#include <gtest/gtest.h>

#include "models/catalogue.h"
#include "support/testing.h"

namespace retinaface::detection {
namespace {

using testing::error_of;

/// An image with a white square of `side` px at each place.
Image with_squares(int width, int height, const std::vector<std::pair<int, int>>& places,
                   int side) {
  Image image(width, height);
  for (const auto& [left, top] : places) {
    for (int y = top; y < top + side; ++y) std::fill_n(image.row(y) + 3 * left, 3 * side, 255);
  }
  return image;
}

/// Finds white squares: what is white and has nothing white left of it or above begins one. Notes
/// the sizes of the images that it sees.
struct FindSquares {
  std::vector<std::pair<int, int>>* seen;

  void operator()(const ImageView& image, float, std::vector<Face>& faces,
                  std::vector<RefinementCandidate>*) const {
    seen->emplace_back(image.width, image.height);
    const auto is_white = [&](int x, int y) {
      return x >= 0 && y >= 0 && x < image.width && y < image.height &&
             image.data[y * image.stride + 3 * x] > 127;
    };
    for (int y = 0; y < image.height; ++y) {
      for (int x = 0; x < image.width; ++x) {
        if (!is_white(x, y) || is_white(x - 1, y) || is_white(x, y - 1)) continue;
        int side = 1;
        while (is_white(x + side, y)) ++side;
        const auto edge = [](int value) { return static_cast<float>(value); };
        faces.push_back({0.9F, {edge(x), edge(y), edge(x + side), edge(y + side)}});
      }
    }
  }
};

class SearchTest : public ::testing::Test {
 protected:
  std::vector<Face> find(const ImageView& image, const DetectOptions& options) {
    return find(models::find_model("mnet025"), image, options);
  }

  std::vector<Face> find(const models::Model& model, const ImageView& image,
                         const DetectOptions& options) {
    const Search search(model, FindSquares{&seen_});
    return search.find(image, options);
  }

  using Sizes = std::vector<std::pair<int, int>>;
  std::vector<std::pair<int, int>> seen_;
};

TEST_F(SearchTest, FacesOfSeveralScalesAreOneEach) {
  const Image image = with_squares(400, 300, {{100, 60}, {250, 200}}, 40);
  const std::vector<Face> faces = find(image, {.scales = {0.5F, 1, 2}});
  const std::vector<std::pair<int, int>> sizes = {{200, 150}, {400, 300}, {800, 600}};
  EXPECT_EQ(seen_, sizes);
  ASSERT_EQ(faces.size(), 2U);
  for (const Face& face : faces) {
    EXPECT_NEAR(face.box.width(), 40, 2);
    EXPECT_NEAR(face.box.x0, face.box.x0 < 200 ? 100 : 250, 2);
  }
}

// Also of a face that lies where two tiles, or four, overlap.
TEST_F(SearchTest, ATiledImageHasItsFacesOnceWhereTheyAre) {
  std::vector<std::pair<int, int>> places;
  for (const int x : {10, 1150, 1240, 1275, 2400, 2900}) {
    for (const int y : {10, 1150, 1240, 1275, 1900}) places.emplace_back(x, y);
  }
  const Image image = with_squares(3000, 2000, places, 20);
  const std::vector<Face> faces = find(image, {.scales = {1}, .tile_px = 1280});
  EXPECT_GT(seen_.size(), 4U);
  EXPECT_EQ(faces.size(), places.size());
  for (const auto& [x, y] : places) {
    EXPECT_EQ(std::ranges::count_if(faces,
                                    [&](const Face& face) {
                                      return face.box.x0 == static_cast<float>(x) &&
                                             face.box.y0 == static_cast<float>(y);
                                    }),
              1)
        << x << ", " << y;
  }
}

TEST_F(SearchTest, TilesReachAsFarOverTheirCoresAsTheModelsPolicySays) {
  const Image image = with_squares(1500, 1200, {}, 0);
  find(image, {.scales = {1}, .tile_px = 1280});
  const Sizes with_its_own = {{1280, 1200}, {860, 1200}};  // cores of 640 px
  EXPECT_EQ(seen_, with_its_own);
  seen_.clear();
  models::Model model = models::find_model("mnet025");
  model.detector().search.tile_margin_px = 64;
  find(model, image, {.scales = {1}, .tile_px = 1280});
  const Sizes with_less = {{1280, 1200}, {348, 1200}};  // of 1152
  EXPECT_EQ(seen_, with_less);
}

TEST_F(SearchTest, LargeFacesAreSeenAgainAsTheModelsPolicySays) {
  const Image image = with_squares(700, 700, {{200, 200}}, 300);
  models::Model model = models::find_model("mnet025");
  model.detector().search.large.view_px = 160;
  EXPECT_EQ(find(model, image, {.scales = {1}}).size(), 1U);
  const Sizes once_more = {{700, 700}, {160, 160}};
  EXPECT_EQ(seen_, once_more);
  seen_.clear();
  model.detector().search.large.min_face_px = 301;
  find(model, image, {.scales = {1}});
  EXPECT_EQ(seen_, Sizes({{700, 700}}));
}

TEST_F(SearchTest, HeadsAreTurnedAsTheModelsPolicySays) {
  const Image image = with_squares(200, 200, {{80, 80}}, 40);
  const Face face = {.score = 0.9F, .box = {80, 80, 120, 120}};
  models::Model detector = models::find_model("mnet025");
  detector.detector().search.turned.view_px = 64;
  models::Model cascade = detector;
  models::CascadeSpec spec;
  spec.turned.view_px = 96;
  cascade.purpose = spec;
  for (const auto& [model, side] : {std::pair{&detector, 64}, {&cascade, 96}}) {
    seen_.clear();
    Search(*model, FindSquares{&seen_}).upright_head(image, face);
    ASSERT_FALSE(seen_.empty());
    EXPECT_EQ(seen_.front(), std::pair(4 * side, side));
  }
}

TEST_F(SearchTest, AnEnlargedImageMayNotBeTooLarge) {
  // Refused before a pixel is looked at, of which there is one.
  const std::uint8_t pixel[3] = {};
  const ImageView image = {.data = pixel, .width = 1 << 27, .height = 1, .stride = 3 << 27};
  const Error error = error_of([&] { find(image, {.scales = {16}}); });
  EXPECT_EQ(error.code(), ErrorCode::kTooLarge);
}

}  // namespace
}  // namespace retinaface::detection
