#include "image/coded_color.h"

#include <algorithm>
#include <cmath>
#include <mutex>
#include <utility>

#include "base/check.h"

namespace retinaface {
inline namespace internal {
namespace {

// Values are looked up with 12 bits, light with 14.
constexpr std::size_t kValues = 4096;
constexpr std::size_t kLights = 16384;
constexpr std::size_t kRollOffs = 4096;

constexpr double kPaperWhiteNits = 203;
constexpr double kHlgNits = 1000;
constexpr double kMaxPqNits = 10000;

using Matrix = std::array<double, 9>;
using Chromaticities = std::array<float, 8>;

constexpr Chromaticities kSrgb = {.64F, .33F, .30F, .60F, .15F, .06F, .3127F, .3290F};
constexpr Chromaticities kRec2020 = {.708F, .292F, .170F, .797F, .131F, .046F, .3127F, .3290F};
/// Display P3. DCI-P3, whose white is greenish on purpose, is shown with this one's.
constexpr Chromaticities kP3 = {.680F, .320F, .265F, .690F, .150F, .060F, .3127F, .3290F};

Matrix product(const Matrix& a, const Matrix& b) {
  Matrix result{};
  for (std::size_t i = 0; i < 3; ++i) {
    for (std::size_t j = 0; j < 3; ++j) {
      for (std::size_t k = 0; k < 3; ++k) result[3 * i + j] += a[3 * i + k] * b[3 * k + j];
    }
  }
  return result;
}

Matrix inverse(const Matrix& m) {
  const auto cofactor = [&](std::size_t i, std::size_t j) {
    const std::size_t i1 = (i + 1) % 3, i2 = (i + 2) % 3, j1 = (j + 1) % 3, j2 = (j + 2) % 3;
    return m[3 * i1 + j1] * m[3 * i2 + j2] - m[3 * i1 + j2] * m[3 * i2 + j1];
  };
  const double determinant = m[0] * cofactor(0, 0) + m[1] * cofactor(0, 1) + m[2] * cofactor(0, 2);
  Matrix result{};
  for (std::size_t i = 0; i < 3; ++i) {
    for (std::size_t j = 0; j < 3; ++j) result[3 * j + i] = cofactor(i, j) / determinant;
  }
  return result;
}

/// From linear RGB to CIE XYZ (SMPTE RP 177).
Matrix xyz_from_rgb(const Chromaticities& at) {
  Matrix columns{};
  for (std::size_t c = 0; c < 3; ++c) {
    const double x = at[2 * c], y = at[2 * c + 1];
    columns[c] = x / y;
    columns[3 + c] = 1;
    columns[6 + c] = (1 - x - y) / y;
  }
  const double x = at[6], y = at[7];
  const std::array<double, 3> white = {x / y, 1, (1 - x - y) / y};
  const Matrix back = inverse(columns);
  for (std::size_t c = 0; c < 3; ++c) {
    const double scale =
        back[3 * c] * white[0] + back[3 * c + 1] * white[1] + back[3 * c + 2] * white[2];
    for (std::size_t row = 0; row < 3; ++row) columns[3 * row + c] *= scale;
  }
  return columns;
}

/// From XYZ under the white of `from` to XYZ under that of `to`, by Bradford's cone responses
/// (ICC.1, annex E).
Matrix adaptation(const Chromaticities& from, const Chromaticities& to) {
  constexpr Matrix kBradford = {.8951, .2664, -.1614, -.7502, 1.7135, .0367, .0389, -.0685, 1.0296};
  const auto cones = [&](const Chromaticities& at) {
    const double x = at[6], y = at[7];
    const std::array<double, 3> white = {x / y, 1, (1 - x - y) / y};
    std::array<double, 3> response{};
    for (std::size_t i = 0; i < 3; ++i) {
      for (std::size_t j = 0; j < 3; ++j) response[i] += kBradford[3 * i + j] * white[j];
    }
    return response;
  };
  const auto source = cones(from), target = cones(to);
  Matrix scaled = kBradford;
  for (std::size_t i = 0; i < scaled.size(); ++i) scaled[i] *= target[i / 3] / source[i / 3];
  return product(inverse(kBradford), scaled);
}

/// Whether they span a triangle that can be inverted.
bool are_usable(const Chromaticities& at) {
  const double area = (at[2] - at[0]) * (at[5] - at[1]) - (at[4] - at[0]) * (at[3] - at[1]);
  const bool has_light = at[1] > 0 && at[3] > 0 && at[5] > 0 && at[7] > 0;
  return has_light && std::abs(area) > 1e-3;
}

Chromaticities chromaticities_of(const CodedColor& color) {
  if (are_usable(color.chromaticities)) return color.chromaticities;
  switch (color.primaries) {
    case CodedColor::kBt2020:
      return kRec2020;
    case CodedColor::kDciP3:
    case CodedColor::kDisplayP3:
      return kP3;
    default:
      return kSrgb;
  }
}

bool are_close(const Chromaticities& a, const Chromaticities& b) {
  constexpr float kTolerance = 0.005F;
  return std::ranges::equal(a, b, [](float p, float q) { return std::abs(p - q) < kTolerance; });
}

double light_of_srgb(double value) {
  return value <= 0.04045 ? value / 12.92 : std::pow((value + 0.055) / 1.055, 2.4);
}

double srgb_of_light(double light) {
  return light <= 0.0031308 ? 12.92 * light : 1.055 * std::pow(light, 1 / 2.4) - 0.055;
}

// SMPTE ST 2084; light as a part of 10000 cd/m2.
constexpr double kM1 = 2610.0 / 16384, kM2 = 2523.0 / 4096 * 128;
constexpr double kC1 = 3424.0 / 4096, kC2 = 2413.0 / 4096 * 32, kC3 = 2392.0 / 4096 * 32;

double light_of_pq(double value) {
  const double power = std::pow(value, 1 / kM2);
  return std::pow(std::max(power - kC1, 0.0) / (kC2 - kC3 * power), 1 / kM1);
}

double pq_of_light(double light) {
  const double power = std::pow(light, kM1);
  return std::pow((kC1 + kC2 * power) / (1 + kC3 * power), kM2);
}

/// The scene's light, 0 to 1 (ITU-R BT.2100, table 5).
double light_of_hlg(double value) {
  constexpr double kA = 0.17883277, kB = 1 - 4 * kA, kC = 0.55991073;
  return value <= 0.5 ? value * value / 3 : (std::exp((value - kC) / kA) + kB) / 12;
}

/// 1 is paper white; of HLG light of the scene.
double light_of(const CodedColor& color, double value) {
  if (color.exponent > 0) return std::pow(value, color.exponent);
  switch (color.transfer) {
    case CodedColor::kLinear:
      return value;
    case CodedColor::kPq:
      return light_of_pq(value) * kMaxPqNits / kPaperWhiteNits;
    case CodedColor::kHlg:
      return light_of_hlg(value);
    default:
      return light_of_srgb(value);
  }
}

/// Light that is shown for `light`, both in units of paper white, the brightest being `peak_nits`.
double rolled_off(double light, double peak_nits) {
  const double peak = pq_of_light(peak_nits / kMaxPqNits);
  const double largest = pq_of_light(kPaperWhiteNits / kMaxPqNits) / peak;
  const double knee = 1.5 * largest - 0.5;
  const double value = std::min(pq_of_light(light * kPaperWhiteNits / kMaxPqNits) / peak, 1.0);
  if (value <= knee) return light;
  const double t = (value - knee) / (1 - knee), t2 = t * t, t3 = t2 * t;
  const double curve =
      (2 * t3 - 3 * t2 + 1) * knee + (t3 - 2 * t2 + t) * (1 - knee) + (3 * t2 - 2 * t3) * largest;
  return light_of_pq(curve * peak) * kMaxPqNits / kPaperWhiteNits;
}

}  // namespace

bool CodedColor::is_srgb() const {
  const bool has_srgb_curve =
      exponent > 0 ? std::abs(exponent - 2.2F) < 0.1F : !is_hdr() && transfer != kLinear;
  return has_srgb_curve && are_close(chromaticities_of(*this), kSrgb);
}

std::shared_ptr<const SrgbConversion> SrgbConversion::of(const CodedColor& color) {
  constexpr std::size_t kKept = 8;
  static std::mutex mutex;
  static std::vector<std::pair<CodedColor, std::shared_ptr<const SrgbConversion>>> kept;
  const std::scoped_lock lock(mutex);
  const auto found = std::ranges::find(kept, color, [](const auto& pair) { return pair.first; });
  if (found != kept.end()) return found->second;
  if (kept.size() == kKept) kept.erase(kept.begin());
  return kept.emplace_back(color, std::make_shared<const SrgbConversion>(color)).second;
}

SrgbConversion::SrgbConversion(const CodedColor& color)
    : is_hlg_(color.is_hdr() && color.transfer == CodedColor::kHlg) {
  light_.resize(kValues);
  for (std::size_t i = 0; i < kValues; ++i) {
    light_[i] = static_cast<float>(light_of(color, static_cast<double>(i) / (kValues - 1)));
  }
  srgb_.resize(kLights);
  for (std::size_t i = 0; i < kLights; ++i) {
    const double value = srgb_of_light(static_cast<double>(i) / (kLights - 1));
    srgb_[i] = static_cast<std::uint8_t>(std::lround(255 * value));
  }
  const Chromaticities at = chromaticities_of(color);
  const Matrix matrix =
      product(inverse(xyz_from_rgb(kSrgb)), product(adaptation(at, kSrgb), xyz_from_rgb(at)));
  std::ranges::transform(matrix, to_bt709_.begin(),
                         [](double value) { return static_cast<float>(value); });
  if (!color.is_hdr()) return;
  const double peak_nits =
      is_hlg_ ? kHlgNits : std::clamp(double{color.peak_nits}, kPaperWhiteNits + 1, kMaxPqNits);
  roll_off_.resize(kRollOffs);
  for (std::size_t i = 0; i < kRollOffs; ++i) {
    const double root = (static_cast<double>(i) + 0.5) / kRollOffs;
    const double light = std::pow(root, 4) * kMaxPqNits / kPaperWhiteNits;
    roll_off_[i] = static_cast<float>(rolled_off(light, peak_nits) / light);
  }
}

void SrgbConversion::convert_pixel(std::size_t red, std::size_t green, std::size_t blue,
                                   std::uint8_t* srgb) const {
  std::array<float, 3> light = {light_[red], light_[green], light_[blue]};
  if (is_hlg_) {
    // From the scene's light to the display's, by its luminance (ITU-R BT.2100: 1.2 at 1000 cd/m2).
    const float luminance = .2627F * light[0] + .6780F * light[1] + .0593F * light[2];
    const float gain = static_cast<float>(kHlgNits / kPaperWhiteNits) * std::pow(luminance, 0.2F);
    for (float& value : light) value *= gain;
  }
  if (!roll_off_.empty()) {
    constexpr auto kToPart = static_cast<float>(kPaperWhiteNits / kMaxPqNits);
    const float root = std::sqrt(std::sqrt(std::max({light[0], light[1], light[2]}) * kToPart));
    const auto at = static_cast<std::size_t>(root * float{kRollOffs});
    for (float& value : light) value *= roll_off_[std::min(at, kRollOffs - 1)];
  }
  for (std::size_t c = 0; c < 3; ++c) {
    const float* row = to_bt709_.data() + 3 * c;
    const float shown = row[0] * light[0] + row[1] * light[1] + row[2] * light[2];
    const float clipped = std::clamp(shown, 0.0F, 1.0F);
    srgb[c] = srgb_[static_cast<std::size_t>(clipped * float{kLights - 1} + 0.5F)];
  }
}

void SrgbConversion::convert(std::span<const std::uint16_t> rgb,
                             std::span<std::uint8_t> srgb) const {
  RF_CHECK(rgb.size() == srgb.size() && rgb.size() % 3 == 0);
  for (std::size_t i = 0; i < rgb.size(); i += 3) {
    convert_pixel(rgb[i] >> 4, rgb[i + 1] >> 4, rgb[i + 2] >> 4, srgb.data() + i);
  }
}

void SrgbConversion::convert(Image& image) const {
  const auto index = [](std::uint8_t value) {
    return static_cast<std::size_t>(value << 4 | value >> 4);
  };
  for (int y = 0; y < image.height(); ++y) {
    std::uint8_t* pixel = image.row(y);
    for (int x = 0; x < image.width(); ++x, pixel += 3) {
      convert_pixel(index(pixel[0]), index(pixel[1]), index(pixel[2]), pixel);
    }
  }
}

}  // namespace internal
}  // namespace retinaface
