#include "image/codecs/orientation.h"

#include <algorithm>
#include <string_view>

#include "base/check.h"
#include "image/codecs/exif_block.h"

namespace retinaface {
inline namespace internal {

int exif_orientation(std::span<const std::byte> exif) {
  const ExifBlock data = parse_exif(exif);
  if (!data) return 1;
  const ExifEntry* entry = exif_content_get_entry(data->ifd[EXIF_IFD_0], EXIF_TAG_ORIENTATION);
  if (entry == nullptr || entry->format != EXIF_FORMAT_SHORT || entry->size < 2) return 1;
  const int orientation = exif_get_short(entry->data, exif_data_get_byte_order(data.get()));
  return orientation >= 1 && orientation <= 8 ? orientation : 1;
}

bool exif_says_adobe_rgb(std::span<const std::byte> exif) {
  const ExifBlock data = parse_exif(exif);
  if (!data) return false;
  const ExifEntry* entry =
      exif_content_get_entry(data->ifd[EXIF_IFD_INTEROPERABILITY], EXIF_TAG_INTEROPERABILITY_INDEX);
  constexpr std::string_view kAdobe = "R03";
  return entry != nullptr && entry->size >= kAdobe.size() &&
         std::equal(kAdobe.begin(), kAdobe.end(), entry->data);
}

Image upright(Image stored, int orientation) {
  RF_CHECK(orientation >= 1 && orientation <= 8);
  if (orientation == 1 || stored.empty()) return stored;
  const auto [turned, mirror_x, mirror_y] = turn_of(orientation);
  Image result =
      turned ? Image(stored.height(), stored.width()) : Image(stored.width(), stored.height());
  const std::ptrdiff_t pixel = 3;
  const std::ptrdiff_t along_x = (turned ? stored.stride() : pixel) * (mirror_x ? -1 : 1);
  const std::ptrdiff_t along_y = (turned ? pixel : stored.stride()) * (mirror_y ? -1 : 1);
  const std::uint8_t* start = stored.row(0);
  if (mirror_x) start -= along_x * (result.width() - 1);
  if (mirror_y) start -= along_y * (result.height() - 1);
  for (int y = 0; y < result.height(); ++y) {
    const std::uint8_t* from = start + y * along_y;
    std::uint8_t* to = result.row(y);
    for (int x = 0; x < result.width(); ++x, from += along_x, to += pixel) {
      std::copy_n(from, pixel, to);
    }
  }
  return result;
}

}  // namespace internal
}  // namespace retinaface
