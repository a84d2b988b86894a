#pragma once

#include <string>

#include "cli/tell.h"
#include "pipeline/inputs.h"

namespace retinaface::cli {

/// Says at a command's end what it did not read: files of folders that were searched, and frames or
/// pages of images (pipeline::FramesLeft).
inline void tell_what_was_left(const pipeline::LeftOut& left_out, const std::string& frames_left) {
  if (!left_out.empty()) tell("retinaface: {}\n", pipeline::describe(left_out));
  if (!frames_left.empty()) tell("retinaface: {}\n", frames_left);
}

}  // namespace retinaface::cli
