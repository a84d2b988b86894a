// One image in several color spaces: the same faces are found, and drawn images look alike.

#include <array>
#include <cmath>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>

#include <gtest/gtest.h>

#include "retinaface/image.h"

#include "support/testing.h"

namespace retinaface {
namespace {

using nlohmann::json;

/// CIE 1976 L*a*b* of an sRGB pixel under D65 (IEC 61966-2-1, CIE 15).
std::array<double, 3> lab_of(const std::uint8_t* rgb) {
  std::array<double, 3> linear{};
  for (std::size_t c = 0; c < 3; ++c) {
    const double value = rgb[c] / 255.0;
    linear[c] = value <= 0.04045 ? value / 12.92 : std::pow((value + 0.055) / 1.055, 2.4);
  }
  const auto [r, g, b] = linear;
  const auto f = [](double t) { return t > 0.008856 ? std::cbrt(t) : 7.787 * t + 16 / 116.0; };
  const double x = f((0.4124564 * r + 0.3575761 * g + 0.1804375 * b) / 0.95047);
  const double y = f(0.2126729 * r + 0.7151522 * g + 0.0721750 * b);
  const double z = f((0.0193339 * r + 0.1191920 * g + 0.9503041 * b) / 1.08883);
  return {116 * y - 16, 500 * (x - y), 200 * (y - z)};
}

/// The mean of CIE 1976's color difference.
double color_difference(const Image& a, const Image& b) {
  double sum = 0;
  for (int y = 0; y < a.height(); ++y) {
    for (int x = 0; x < a.width(); ++x) {
      const auto p = lab_of(a.row(y) + 3 * x);
      const auto q = lab_of(b.row(y) + 3 * x);
      sum += std::hypot(p[0] - q[0], p[1] - q[1], p[2] - q[2]);
    }
  }
  return sum / (static_cast<double>(a.width()) * a.height());
}

TEST(ColorTwins, HaveTheSameFacesAndLookAlikeWhenDrawn) {
  const testing::TemporaryFolder folder;
  const std::string from = (testing::fixture_folder() / "color_twins").string();
  const testing::CommandResult result =
      testing::run("cd '" + from +
                   "' && '" RETINAFACE_PROGRAM
                   "' detect srgb.png adobe_rgb.png display_p3.png prophoto.png --draw --out '" +
                   folder.path().string() + "'");
  ASSERT_EQ(result.exit_code, 0) << result.errors;
  const auto lines = testing::lines_of(result.output);
  ASSERT_EQ(lines.size(), 4U);
  const json expected = json::parse(lines[0])["faces"];
  ASSERT_EQ(expected.size(), 1U);
  const Image srgb = read_image(folder / "srgb.png");
  for (std::size_t i = 1; i < lines.size(); ++i) {
    const json twin = json::parse(lines[i]);
    const std::string name = twin["image"];
    ASSERT_EQ(twin["faces"].size(), 1U) << name;
    const json& face = twin["faces"][0];
    EXPECT_NEAR(face["score"].get<double>(), expected[0]["score"].get<double>(), 0.02) << name;
    for (std::size_t k = 0; k < 4; ++k) {
      EXPECT_NEAR(face["box"][k].get<double>(), expected[0]["box"][k].get<double>(), 1) << name;
    }
    EXPECT_LT(color_difference(read_image(folder / name), srgb), 2) << name;
  }
}

}  // namespace
}  // namespace retinaface
