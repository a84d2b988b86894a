#include "image/coded_color.h"

#include <cmath>
#include <string>

#include <gmock/gmock.h>

namespace retinaface {
namespace {

using Rgb = std::array<int, 3>;

/// Values from 0 to 1.
Rgb srgb_of(const CodedColor& color, double red, double green, double blue) {
  const auto value = [](double v) { return static_cast<std::uint16_t>(std::lround(v * 65535)); };
  const std::array rgb = {value(red), value(green), value(blue)};
  std::array<std::uint8_t, 3> srgb{};
  SrgbConversion(color).convert(rgb, srgb);
  return {srgb[0], srgb[1], srgb[2]};
}

TEST(CodedColor, KnowsWhatIsShownAsItIs) {
  EXPECT_TRUE(CodedColor{}.is_srgb());
  for (const int transfer : {1, 2, 6, 13, 14}) {
    EXPECT_TRUE((CodedColor{.primaries = 1, .transfer = transfer}.is_srgb())) << transfer;
    EXPECT_TRUE((CodedColor{.primaries = 6, .transfer = transfer}.is_srgb())) << transfer;
    EXPECT_FALSE((CodedColor{.primaries = 9, .transfer = transfer}.is_srgb())) << transfer;
    EXPECT_FALSE((CodedColor{.primaries = 12, .transfer = transfer}.is_srgb())) << transfer;
  }
  for (const int transfer : {8, 16, 18}) {
    EXPECT_FALSE((CodedColor{.primaries = 1, .transfer = transfer}.is_srgb())) << transfer;
  }
  EXPECT_TRUE((CodedColor{.exponent = 2.2F}.is_srgb()));
  EXPECT_FALSE((CodedColor{.exponent = 1.8F}.is_srgb()));
  EXPECT_FALSE(kAdobeRgb.is_srgb());
}

TEST(SrgbConversion, KeepsGrayUnderOtherPrimaries) {
  for (const int primaries : {9, 11, 12}) {
    const CodedColor color = {.primaries = primaries, .transfer = 13};
    for (const int gray : {0, 3, 128, 200, 255}) {
      const double value = gray / 255.0;
      EXPECT_EQ(srgb_of(color, value, value, value), (Rgb{gray, gray, gray})) << primaries;
    }
  }
}

// By the matrix of CSS Color 4 (linear display-p3 to linear sRGB: 1.2249 -0.2247 0; -0.0420 1.0419
// 0; -0.0197 -0.0786 1.0979).
TEST(SrgbConversion, BringsDisplayP3ToSrgb) {
  const Rgb srgb = srgb_of({.primaries = 12, .transfer = 13}, 0.5, 0.3, 0.2);
  const Rgb expected = {136, 73, 45};
  for (std::size_t c = 0; c < 3; ++c) EXPECT_NEAR(srgb[c], expected[c], 1);
  // What sRGB has none of is cut off.
  EXPECT_EQ(srgb_of({.primaries = 12, .transfer = 13}, 0, 1, 0), (Rgb{0, 255, 0}));
}

TEST(SrgbConversion, ReadsLinearLightAndPowers) {
  const Rgb srgb = srgb_of({.transfer = 8}, 0.5, 0.2140411, 0.0);
  EXPECT_NEAR(srgb[0], 188, 1);  // IEC 61966-2-1
  EXPECT_NEAR(srgb[1], 127.5, 1);
  EXPECT_EQ(srgb[2], 0);
  EXPECT_EQ(srgb_of({.exponent = 1}, 0.5, 0.2140411, 0.0),
            srgb_of({.transfer = 8}, .5, .2140411, 0));
}

TEST(SrgbConversion, KeepsWhiteAndGrayUnderAnotherWhite) {
  CodedColor color = kAdobeRgb;
  color.chromaticities[6] = .3457F;  // D50, as profiles for print have it
  color.chromaticities[7] = .3585F;
  for (const double value : {1.0, 0.5}) {
    const Rgb expected = srgb_of(kAdobeRgb, value, value, value);
    const Rgb srgb = srgb_of(color, value, value, value);
    for (std::size_t c = 0; c < 3; ++c) EXPECT_NEAR(srgb[c], expected[c], 1) << value;
  }
}

// PQ 0.5081 is 100 cd/m2, 0.5807 is 203, 0.7518 is 1000 (ITU-R BT.2100).
TEST(SrgbConversion, RollsHighDynamicRangeOff) {
  const CodedColor pq = {.primaries = 9, .transfer = 16};
  EXPECT_EQ(srgb_of(pq, 0, 0, 0), (Rgb{0, 0, 0}));
  // Below the knee light is kept: 20 cd/m2 (PQ 0.3570) of 203 are 0.0985 of light, 0.349 in sRGB.
  EXPECT_NEAR(srgb_of(pq, .3570, .3570, .3570)[1], 89, 1);
  // What is brightest becomes white, and all between stays in order.
  EXPECT_EQ(srgb_of(pq, .7518, .7518, .7518), (Rgb{255, 255, 255}));
  int before = -1;
  for (double value = 0; value < 0.75; value += 0.01) {
    const int gray = srgb_of(pq, value, value, value)[0];
    EXPECT_GE(gray, before) << value;
    before = gray;
  }
  const int paper = srgb_of(pq, .5807, .5807, .5807)[0];
  EXPECT_GT(paper, 190);
  EXPECT_LT(paper, 235);
}

// HLG 0.75 is 203 cd/m2 on a display of 1000 (ITU-R BT.2408), as PQ 0.5807 is.
TEST(SrgbConversion, ShowsHlgAsADisplayDoes) {
  const CodedColor hlg = {.primaries = 9, .transfer = 18};
  const CodedColor pq = {.primaries = 9, .transfer = 16};
  EXPECT_NEAR(srgb_of(hlg, .75, .75, .75)[0], srgb_of(pq, .5807, .5807, .5807)[0], 1);
  EXPECT_EQ(srgb_of(hlg, 1, 1, 1), (Rgb{255, 255, 255}));
  EXPECT_EQ(srgb_of(hlg, 0, 0, 0), (Rgb{0, 0, 0}));
}

TEST(SrgbConversion, TreatsBytesAsItTreatsWords) {
  const CodedColor color = {.primaries = 9, .transfer = 13};
  Image image(256, 1);
  for (int x = 0; x < 256; ++x) {
    image.row(0)[3 * x] = static_cast<std::uint8_t>(x);
    image.row(0)[3 * x + 1] = 90;
    image.row(0)[3 * x + 2] = static_cast<std::uint8_t>(255 - x);
  }
  SrgbConversion(color).convert(image);
  for (int x = 0; x < 256; ++x) {
    const Rgb expected = srgb_of(color, x / 255.0, 90 / 255.0, (255 - x) / 255.0);
    for (int c = 0; c < 3; ++c) {
      EXPECT_NEAR(image.row(0)[3 * x + c], expected[static_cast<std::size_t>(c)], 1) << x;
    }
  }
}

}  // namespace
}  // namespace retinaface
