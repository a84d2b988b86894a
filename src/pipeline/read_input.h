#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <vector>

#include "retinaface/image.h"

#include "image/codecs/decoded_image.h"

namespace retinaface::pipeline {

/// An image that was read, its first frame or page.
struct ReadInput {
  DecodedImage decoded;
  std::int64_t frames = 1;  ///< or pages that the file has
};

/// Reads the image that the path of an input leads to: a file, kStandardStream, a pipe or a device;
/// `content`, if it is not null, is what was read there already. A pipe is waited for until `stop`.
/// What is read around is told by `options.warn`. Throws Error as read_image and read_stream do.
ReadInput read_input(const std::filesystem::path& path,
                     const std::shared_ptr<const std::vector<std::byte>>& content,
                     const ReadOptions& options, int reduction, const std::atomic<bool>& stop);

/// The same of a path that a command reads by itself, in full size; a signal ends the program.
ReadInput read_input(const std::filesystem::path& path, const ReadOptions& options);

}  // namespace retinaface::pipeline
