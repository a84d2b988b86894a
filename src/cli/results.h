#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "retinaface/detector.h"

namespace retinaface::cli {

/// What was found in one picture.
struct PictureResult {
  std::filesystem::path path;
  int width = 0;
  int height = 0;
  std::vector<Face> faces;
  double ms = 0;  ///< that detection took, without reading the picture
};

/// One line of JSON without its line break: {"image", "width", "height", "faces": [{"score", "box":
/// [x0, y0, x1, y1], "landmarks": [[x, y] x5]}], "ms"}, lengths in pixels of the picture as shown.
std::string to_json(const PictureResult& result);

/// Writes FOLDER/EVENT/NAME.txt as WIDER FACE's evaluator reads it, EVENT the picture's parent
/// folder: its name, the number of faces, then x y w h score a line. Returns the file's path.
/// Throws Error or std::filesystem::filesystem_error.
std::filesystem::path write_wider_file(const std::filesystem::path& folder,
                                       const PictureResult& result);

}  // namespace retinaface::cli
