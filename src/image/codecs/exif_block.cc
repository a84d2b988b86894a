#include "image/codecs/exif_block.h"

#include <algorithm>
#include <vector>

namespace retinaface {
inline namespace internal {

ExifBlock parse_exif(std::span<const std::byte> exif) {
  std::vector<unsigned char> block(kExifHeader.begin(), kExifHeader.end());
  const auto* bytes = reinterpret_cast<const unsigned char*>(exif.data());
  const bool has_header = exif.size() >= kExifHeader.size() &&
                          std::equal(kExifHeader.begin(), kExifHeader.end(), bytes);
  block.insert(block.end(), bytes + (has_header ? kExifHeader.size() : 0), bytes + exif.size());
  return {exif_data_new_from_data(block.data(), static_cast<unsigned>(block.size())),
          exif_data_unref};
}

}  // namespace internal
}  // namespace retinaface
