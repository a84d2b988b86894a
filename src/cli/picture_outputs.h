#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "retinaface/detector.h"

namespace retinaface::cli {

/// What `detect` writes besides its results, for each picture.
struct PictureOutputs {
  std::filesystem::path folder;
  bool draw = false;     ///< FOLDER/PATH: the picture with its faces drawn
  bool blur = false;     ///< FOLDER/PATH: the picture with its faces unrecognisable
  bool crops = false;    ///< FOLDER/PATH.faces/N.png: each face with a margin
  bool aligned = false;  ///< FOLDER/PATH.aligned/N.png: each face as recognisers take it

  bool any() const { return draw || blur || crops || aligned; }
};

/// Where in `folder` what belongs to an input goes: its path without root and "..", so that
/// pictures of one name in different folders stay apart.
std::filesystem::path place_in(const std::filesystem::path& folder,
                               const std::filesystem::path& input);

/// Writes what is asked for; faces are numbered from 0 by falling score. Throws Error or
/// std::filesystem::filesystem_error.
void write_picture_outputs(const PictureOutputs& outputs, const std::filesystem::path& input,
                           Image image, const std::vector<Face>& faces);

}  // namespace retinaface::cli
