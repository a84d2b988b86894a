#include "image/codecs/icc_profile.h"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include <lcms2.h>

#include "base/check.h"
#include "base/shared_library.h"

namespace retinaface::codecs {
namespace {

constexpr const char* kLibraryName = "liblcms2.so.2";

/// The functions of lcms2 that are used, each of the type that its header declares.
struct Library {
#define RF_LCMS_FUNCTIONS(apply)                                                                 \
  apply(OpenProfileFromMem) apply(CloseProfile) apply(Create_sRGBProfile) apply(CreateTransform) \
      apply(DeleteTransform) apply(DoTransform)

#define RF_DECLARE(name) decltype(&cms##name) name = nullptr;
  RF_LCMS_FUNCTIONS(RF_DECLARE)
#undef RF_DECLARE
  std::string problem;

  static const Library& get() {
    static const Library library;
    return library;
  }

 private:
  Library() {
    SharedLibrary shared(kLibraryName);
#define RF_FIND(name) shared.find("cms" #name, name);
    RF_LCMS_FUNCTIONS(RF_FIND)
#undef RF_FIND
#undef RF_LCMS_FUNCTIONS
    problem = shared.problem();
  }
};

/// What a profile's pixels are. Read from its header's bytes (ICC.1:2022, 7.2.8), since lcms2
/// returns an enumeration whatever the file says.
enum class ColorSpace { kRgb, kGray, kCmyk, kOther };

ColorSpace color_space_of(Bytes profile) {
  constexpr std::size_t kOffset = 16;
  if (has_text(profile, kOffset, "RGB ")) return ColorSpace::kRgb;
  if (has_text(profile, kOffset, "GRAY")) return ColorSpace::kGray;
  if (has_text(profile, kOffset, "CMYK")) return ColorSpace::kCmyk;
  return ColorSpace::kOther;
}

using Profile = std::unique_ptr<void, decltype(&cmsCloseProfile)>;
using Transform = std::unique_ptr<void, decltype(&cmsDeleteTransform)>;

/// Where a profile leads from, and how to sRGB.
class Conversion {
 public:
  explicit Conversion(Bytes profile)
      : bytes_(profile.begin(), profile.end()), space_(color_space_of(profile)) {
    const Library& lcms = Library::get();
    if (!lcms.problem.empty()) {
      problem_ =
          std::string("its color profile needs ") + kLibraryName + ", which is not installed";
      return;
    }
    const Profile from(
        lcms.OpenProfileFromMem(bytes_.data(), static_cast<cmsUInt32Number>(bytes_.size())),
        lcms.CloseProfile);
    const Profile to(lcms.Create_sRGBProfile(), lcms.CloseProfile);
    if (from != nullptr && space_ == ColorSpace::kOther) return;
    const cmsUInt32Number format = space_ == ColorSpace::kRgb    ? TYPE_RGB_8
                                   : space_ == ColorSpace::kGray ? TYPE_GRAY_8
                                                                 : TYPE_CMYK_8;
    if (from != nullptr && to != nullptr) {
      // Without its cache of one pixel a transform may be shared by threads.
      transform_ = {lcms.CreateTransform(from.get(), format, to.get(), TYPE_RGB_8,
                                         INTENT_PERCEPTUAL, cmsFLAGS_NOCACHE),
                    lcms.DeleteTransform};
    }
    if (transform_ == nullptr) problem_ = "its color profile is damaged";
    if (problem_.empty()) changes_ = find_out_whether_it_changes();
  }

  bool is_of(Bytes profile) const { return std::ranges::equal(bytes_, profile); }
  ColorSpace space() const { return space_; }
  /// Why it cannot be used; empty if it can.
  const std::string& problem() const { return problem_; }
  bool changes() const { return changes_; }

  void convert(const std::uint8_t* from, std::uint8_t* rgb, std::size_t pixels) const {
    Library::get().DoTransform(transform_.get(), from, rgb, static_cast<cmsUInt32Number>(pixels));
  }

 private:
  /// False where values stay as they are but for rounding.
  bool find_out_whether_it_changes() const {
    if (space_ == ColorSpace::kCmyk) return true;
    constexpr int kRounding = 2;
    constexpr std::array kSteps = {0, 32, 64, 96, 128, 160, 192, 224, 255};
    const auto differs = [&](const std::uint8_t* from, const std::array<std::uint8_t, 3>& rgb) {
      std::array<std::uint8_t, 3> srgb{};
      convert(from, srgb.data(), 1);
      return !std::ranges::equal(rgb, srgb,
                                 [](int a, int b) { return std::abs(a - b) <= kRounding; });
    };
    if (space_ == ColorSpace::kGray) {
      return std::ranges::any_of(kSteps, [&](int step) {
        const auto gray = static_cast<std::uint8_t>(step);
        return differs(&gray, {gray, gray, gray});
      });
    }
    for (const int red : kSteps) {
      for (const int green : kSteps) {
        for (const int blue : kSteps) {
          const std::array rgb = {static_cast<std::uint8_t>(red), static_cast<std::uint8_t>(green),
                                  static_cast<std::uint8_t>(blue)};
          if (differs(rgb.data(), rgb)) return true;
        }
      }
    }
    return false;
  }

  std::vector<std::byte> bytes_;
  Transform transform_{nullptr, nullptr};
  ColorSpace space_;
  std::string problem_;
  bool changes_ = false;
};

/// The conversion of a profile. The last ones are kept: images of one camera have the same one.
std::shared_ptr<const Conversion> conversion_of(Bytes profile) {
  constexpr std::size_t kKept = 8;
  static std::mutex mutex;
  static std::vector<std::shared_ptr<const Conversion>> kept;
  const std::scoped_lock lock(mutex);
  const auto found =
      std::ranges::find_if(kept, [&](const auto& known) { return known->is_of(profile); });
  if (found != kept.end()) return *found;
  if (kept.size() == kKept) kept.erase(kept.begin());
  return kept.emplace_back(std::make_shared<const Conversion>(profile));
}

std::string_view name_of(ColorSpace space) {
  switch (space) {
    case ColorSpace::kRgb:
      return "RGB";
    case ColorSpace::kGray:
      return "gray";
    case ColorSpace::kCmyk:
      return "CMYK";
    case ColorSpace::kOther:
      break;
  }
  return "other";
}

bool is_gray(const Image& image) {
  for (int y = 0; y < image.height(); ++y) {
    const std::uint8_t* pixel = image.row(y);
    for (int x = 0; x < image.width(); ++x, pixel += 3) {
      if (pixel[0] != pixel[1] || pixel[1] != pixel[2]) return false;
    }
  }
  return true;
}

/// Whether the profile can be used on pixels of one of the given spaces; what speaks against it is
/// told.
bool can_convert(const Encoded& encoded, const Conversion& conversion,
                 std::initializer_list<ColorSpace> spaces, std::string_view pixels) {
  constexpr std::string_view kLeftOut = "; colors are left as they are stored";
  if (!conversion.problem().empty()) {
    encoded.warn(conversion.problem() + std::string(kLeftOut));
    return false;
  }
  if (std::ranges::find(spaces, conversion.space()) == spaces.end()) {
    encoded.warn(fmt::format("its color profile is for {} pixels, found {}{}",
                             name_of(conversion.space()), pixels, kLeftOut));
    return false;
  }
  return true;
}

}  // namespace

void apply_icc_profile(const Encoded& encoded, Bytes profile, Image& image) {
  const auto conversion = conversion_of(profile);
  // Gray pixels have become RGB.
  const bool may_be_gray = conversion->space() == ColorSpace::kGray && is_gray(image);
  if (!can_convert(encoded, *conversion, {may_be_gray ? ColorSpace::kGray : ColorSpace::kRgb},
                   "RGB"))
    return;
  if (!conversion->changes()) return;
  const auto width = static_cast<std::size_t>(image.width());
  if (conversion->space() == ColorSpace::kRgb) {
    for (int y = 0; y < image.height(); ++y) {
      conversion->convert(image.row(y), image.row(y), width);
    }
    return;
  }
  std::array<std::uint8_t, 256> gray{};
  for (std::size_t i = 0; i < gray.size(); ++i) gray[i] = static_cast<std::uint8_t>(i);
  std::array<std::uint8_t, 3 * 256> rgb{};
  conversion->convert(gray.data(), rgb.data(), gray.size());
  for (int y = 0; y < image.height(); ++y) {
    std::uint8_t* pixel = image.row(y);
    for (std::size_t x = 0; x < width; ++x, pixel += 3) {
      for (std::size_t c = 0; c < 3; ++c) pixel[c] = rgb[std::size_t{3} * pixel[c] + c];
    }
  }
}

void cmyk_to_rgb(const Encoded& encoded, Bytes profile, std::span<const std::uint8_t> cmyk,
                 Image& image) {
  const std::size_t pixels =
      static_cast<std::size_t>(image.width()) * static_cast<std::size_t>(image.height());
  RF_CHECK(cmyk.size() == 4 * pixels);
  if (!profile.empty()) {
    const auto conversion = conversion_of(profile);
    if (can_convert(encoded, *conversion, {ColorSpace::kCmyk}, "CMYK")) {
      const auto width = static_cast<std::size_t>(image.width());
      for (int y = 0; y < image.height(); ++y) {
        conversion->convert(cmyk.data() + 4 * width * static_cast<std::size_t>(y), image.row(y),
                            width);
      }
      return;
    }
  }
  const std::uint8_t* ink = cmyk.data();
  std::uint8_t* rgb = image.row(0);
  for (std::size_t i = 0; i < pixels; ++i, ink += 4, rgb += 3) {
    for (int c = 0; c < 3; ++c) {
      rgb[c] = static_cast<std::uint8_t>(((255 - ink[c]) * (255 - ink[3]) + 127) / 255);
    }
  }
}

}  // namespace retinaface::codecs
