#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "video/video_reader.h"

namespace retinaface::pipeline {

/// The name, without an extension, of the file of an input's face: its place by falling score, from
/// 0; of a frame FRAME_TRACK, "000017_2".
std::string face_file_name(const std::optional<video::FrameStamp>& frame,
                           const std::vector<std::int64_t>& tracks, std::size_t face);

/// How many faces were found in each frame, by its number; an image is its only frame, 0.
using FacesOfFrames = std::map<std::int64_t, std::size_t>;

/// The frame that the name of a file of a frame begins with, as in "000017_2.png"; none for others.
std::optional<std::int64_t> frame_of_file(const std::filesystem::path& file);

/// Whether a folder holds a file of each face, with this extension (and its dot).
bool has_face_files(const std::filesystem::path& folder, const std::string& extension,
                    bool are_frames, const FacesOfFrames& faces);

}  // namespace retinaface::pipeline
