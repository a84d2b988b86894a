#pragma once

#include <cstddef>
#include <filesystem>
#include <string>
#include <vector>

#include "retinaface/image.h"

#include "image/codecs/capture_notes.h"

namespace retinaface {
inline namespace internal {

struct WriteOptions {
  static constexpr int kDefaultJpegQuality = 92;
  int jpeg_quality = kDefaultJpegQuality;  ///< 1 to 100, as libjpeg counts it
  CaptureNotes notes{};                    ///< of the image that it was made of
};

/// The bytes of an image as a file of that path would hold them; throws as write_image.
std::vector<std::byte> encode_image(const std::filesystem::path& path, const ImageView& image,
                                    const WriteOptions& options = {});

/// write_image (retinaface/image.h) with options.
void write_image(const std::filesystem::path& path, const ImageView& image,
                 const WriteOptions& options);

}  // namespace internal
}  // namespace retinaface

namespace retinaface::codecs {

std::vector<std::byte> encode_jpeg(const Image& image, const std::string& name, int quality);

}  // namespace retinaface::codecs
