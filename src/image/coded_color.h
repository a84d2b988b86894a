#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "retinaface/image.h"

namespace retinaface {
inline namespace internal {

/// What RGB values mean, as far as a file says so without an ICC profile: numbers of ITU-T H.273 in
/// HEIC, AVIF, PNG and videos, chromaticities and an exponent in PNG.
struct CodedColor {
  static constexpr int kUnspecified = 2;
  static constexpr int kLinear = 8, kPq = 16, kHlg = 18;  // transfer characteristics
  static constexpr int kBt709 = 1, kBt2020 = 9, kDciP3 = 11, kDisplayP3 = 12;  // color primaries

  int primaries = kUnspecified;
  int transfer = kUnspecified;
  /// x and y of red, green, blue and white, instead of `primaries`; all 0: not given.
  std::array<float, 8> chromaticities{};
  /// Light is the value to this power, instead of `transfer`; 0: not given.
  float exponent = 0;
  /// Light of the brightest pixels of PQ, cd/m2.
  float peak_nits = 1000;

  /// Whether values can be shown as they are. Transfer functions of usual dynamic range count as
  /// sRGB's, as players show them, and so do primaries close to sRGB's.
  bool is_srgb() const;
  /// Whether it describes high dynamic range, of which 8 bits are too few.
  bool is_hdr() const { return exponent == 0 && (transfer == kPq || transfer == kHlg); }

  bool operator==(const CodedColor&) const = default;
};

/// Adobe RGB (1998).
inline constexpr CodedColor kAdobeRgb = {
    .chromaticities = {.64F, .33F, .21F, .71F, .15F, .06F, .3127F, .3290F},
    .exponent = 2.19921875F};

/// Brings RGB values to sRGB. Light over that of paper white (203 cd/m2, ITU-R BT.2408) is rolled
/// off by the curve of ITU-R BT.2390, section 5.4.1, applied to the largest of the three so that
/// hues stay; HLG is shown as on a display of 1000 cd/m2 (ITU-R BT.2100). Colors beyond sRGB's are
/// cut off. Immutable, so safe to share between threads.
class SrgbConversion {
 public:
  /// The conversion from `color`; the last ones are kept.
  static std::shared_ptr<const SrgbConversion> of(const CodedColor& color);

  explicit SrgbConversion(const CodedColor& color);

  /// `rgb` and `srgb` are of one length, a multiple of 3; 65535 is the largest value.
  void convert(std::span<const std::uint16_t> rgb, std::span<std::uint8_t> srgb) const;
  void convert(Image& image) const;

 private:
  void convert_pixel(std::size_t red, std::size_t green, std::size_t blue,
                     std::uint8_t* srgb) const;

  std::vector<float> light_;         // by value, 0 to 1 for paper white, or over it
  std::vector<float> roll_off_;      // by the fourth root of the largest light; empty: none
  std::vector<std::uint8_t> srgb_;   // by light from 0 to 1
  std::array<float, 9> to_bt709_{};  // row after row
  bool is_hlg_ = false;
};

}  // namespace internal
}  // namespace retinaface
