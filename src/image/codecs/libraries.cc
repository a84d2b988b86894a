#include "image/codecs/libraries.h"

#include <fmt/format.h>
#include <spng.h>
#include <tiffio.h>
#include <webp/decode.h>

namespace retinaface {
inline namespace internal {

std::vector<std::string> image_libraries() {
  const int webp = WebPGetDecoderVersion();  // 0xMMmmpp
  // "LIBTIFF, Version 4.5.0\nCopyright ..."
  std::string tiff = TIFFGetVersion();
  tiff = tiff.substr(0, tiff.find('\n'));
  tiff = tiff.substr(tiff.rfind(' ') + 1);
  return {fmt::format("libspng {}", spng_version_string()),
          fmt::format("libwebp {}.{}.{}", webp >> 16, webp >> 8 & 0xFF, webp & 0xFF),
          fmt::format("libtiff {}", tiff)};
}

}  // namespace internal
}  // namespace retinaface
