#include "pipeline/read_input.h"

#include <string>
#include <system_error>

#include <unistd.h>

#include "base/asked_to_end.h"
#include "base/check.h"
#include "base/file.h"
#include "base/stream.h"
#include "image/codecs/encoded_size.h"
#include "image/codecs/image_frames.h"
#include "image/codecs/image_name.h"
#include "pipeline/inputs.h"
#include "video/video_kind.h"

namespace retinaface::pipeline {

ReadInput read_input(const std::filesystem::path& path,
                     const std::shared_ptr<const std::vector<std::byte>>& content,
                     const ReadOptions& options, int reduction, const std::atomic<bool>& stop) {
  std::error_code ignored;
  const bool is_standard_input = path == kStandardStream;
  const bool is_file =
      !is_standard_input && !std::filesystem::is_other(std::filesystem::status(path, ignored));
  const std::string name = is_standard_input ? "standard input" : printable(path);
  const std::uint64_t max_bytes = max_encoded_bytes(options.max_pixels);
  const std::vector<std::byte> encoded =
      content != nullptr  ? *content
      : is_standard_input ? read_stream(STDIN_FILENO, name, max_bytes, stop, may_be_image)
      : is_file           ? read_image_file(path, options.max_pixels)
                          : read_stream(path, max_bytes, stop, may_be_image);
  if (!is_file && video::is_video(encoded)) {
    fail(ErrorCode::kUnsupported, "{}: expected an image, found a video, which takes a file's name",
         name);
  }
  ReadInput read;
  read.decoded = decode_image(encoded, options, name, reduction);
  read.frames = count_frames(encoded).frames;
  return read;
}

ReadInput read_input(const std::filesystem::path& path, const ReadOptions& options) {
  return read_input(path, nullptr, options, 1, asked_to_end());
}

}  // namespace retinaface::pipeline
