#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "retinaface/image.h"

#include "image/codecs/codec.h"

namespace retinaface {
inline namespace internal {

/// How many images an encoded file holds: frames of an animation, or pages. One for what is no
/// image or is damaged before the second. Does not decode them.
codecs::FrameCount count_frames(std::span<const std::byte> encoded);

/// The images of a file that holds several, decoded one after the other as read_image decodes the
/// first.
class ImageFrames {
 public:
  struct Frame {
    Image image;
    double time_s = 0;  ///< since the first one; of pages 0
  };

  /// `name` stands in for the path in messages. Throws Error as decode_image does.
  ImageFrames(std::vector<std::byte> encoded, ReadOptions options, std::string name);

  /// Nothing after the last one. Throws Error where the file is damaged.
  std::optional<Frame> next();

 private:
  const std::vector<std::byte> bytes_;
  const ReadOptions options_;
  const codecs::Encoded encoded_;
  std::unique_ptr<codecs::FrameReader> reader_;
  double time_s_ = 0;
};

}  // namespace internal
}  // namespace retinaface
