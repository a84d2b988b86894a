#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>

#include <fmt/format.h>

#include "base/counted.h"
#include "base/file.h"

namespace retinaface::pipeline {

/// Images of which one frame or page of several was read.
class FramesLeft {
 public:
  /// An image that was read, and how many frames its file has.
  void note(const std::filesystem::path& image, std::int64_t frames) {
    if (frames <= 1 || images_++ > 0) return;
    first_ = image;
    frames_of_first_ = frames;
  }

  /// A line about them: the first one, and how many others there are; empty if there is none.
  std::string line() const {
    if (images_ == 0) return {};
    const std::string others =
        images_ == 1 ? ""
                     : fmt::format(" (and of {} likewise)", counted(images_ - 1, "other image"));
    return fmt::format("{}: read 1 of {} frames{}", printable(first_), frames_of_first_, others);
  }

 private:
  std::filesystem::path first_;
  std::int64_t frames_of_first_ = 0;
  std::size_t images_ = 0;
};

}  // namespace retinaface::pipeline
