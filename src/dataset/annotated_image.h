#pragma once

#include <filesystem>

#include "retinaface/image.h"

#include "base/plain_file.h"

namespace retinaface::dataset {

/// Reads an image as data sets mean it: not turned, as annotations were made on the stored pixels,
/// and whole. Throws Error as read_image does; kBadData also where only its end is missing,
/// kUnreadable for a pipe or a device, which nobody has named.
inline Image read_annotated_image(const std::filesystem::path& path) {
  expect_plain_file(path);
  return read_image(path, {.apply_orientation = false, .strict = true});
}

}  // namespace retinaface::dataset
