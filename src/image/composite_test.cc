#include "image/composite.h"

#include <vector>

#include <gtest/gtest.h>

namespace retinaface {
namespace {

constexpr std::array<std::uint8_t, 3> kWhite = {255, 255, 255};

std::vector<int> composed(const std::vector<int>& rgb, const std::vector<std::uint8_t>& alpha,
                          const std::array<std::uint8_t, 3>& background) {
  Image image(static_cast<int>(rgb.size() / 3), 1);
  for (std::size_t i = 0; i < rgb.size(); ++i) image.row(0)[i] = static_cast<std::uint8_t>(rgb[i]);
  composite(image, alpha, background);
  return {image.row(0), image.row(0) + rgb.size()};
}

TEST(Composite, MixesColorsByTheirOpacity) {
  const std::vector<int> rgb = {200, 100, 0, 200, 100, 0, 200, 100, 0};
  EXPECT_EQ(composed(rgb, {255, 0, 51}, {10, 20, 30}),  // a fifth
            (std::vector<int>{200, 100, 0, 10, 20, 30, 48, 36, 24}));
}

TEST(Composite, LeavesImagesWithoutTransparency) {
  EXPECT_EQ(composed({1, 2, 3}, {}, kWhite), (std::vector<int>{1, 2, 3}));
}

TEST(Composite, ShowsWhiteStrokesOnTheOppositeOfWhite) {
  const std::vector<int> white(6, 255);
  EXPECT_EQ(composed(white, {255, 0}, kWhite), (std::vector<int>{255, 255, 255, 0, 0, 0}));
  EXPECT_EQ(composed(white, {255, 0}, {0, 0, 0}), (std::vector<int>{255, 255, 255, 0, 0, 0}));
  // Black ones are seen on white, though all colors are the same here too.
  EXPECT_EQ(composed(std::vector<int>(6, 0), {255, 0}, kWhite),
            (std::vector<int>{0, 0, 0, 255, 255, 255}));
}

TEST(Composite, ShowsTheBackgroundWhereThereIsNothing) {
  EXPECT_EQ(composed({1, 2, 3, 4, 5, 6}, {0, 0}, {0, 0, 0}), (std::vector<int>(6, 0)));
  EXPECT_EQ(composed({1, 2, 3, 4, 5, 6}, {0, 0}, kWhite), (std::vector<int>(6, 255)));
}

}  // namespace
}  // namespace retinaface
