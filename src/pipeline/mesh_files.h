#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "retinaface/face.h"

#include "pipeline/face_files.h"
#include "pipeline/own_output.h"
#include "video/video_reader.h"

namespace retinaface::pipeline {

/// A mesh as a Wavefront .obj file: "v x y z red green blue" and "f a b c", vertices counted from
/// 1. In pixels as FaceMesh, but with y up and z to the viewer, as such files have it.
std::string to_obj(const FaceMesh& mesh);

/// The same as a .ply file, ASCII, colors from 0 to 255.
std::string to_ply(const FaceMesh& mesh);

/// Writes FOLDER/PATH.meshes/N.obj and N.ply of each face that has a mesh: numbered from 0 by
/// falling score, those of a frame by FRAME_TRACK. Throws Error or
/// std::filesystem::filesystem_error.
void write_meshes(const std::filesystem::path& folder, const std::filesystem::path& input,
                  const std::optional<video::FrameStamp>& frame,
                  const std::vector<std::int64_t>& tracks, const std::vector<Face>& faces);

/// Whether all is there that write_meshes writes for an input of so many faces.
bool has_meshes(const std::filesystem::path& folder, const std::filesystem::path& input,
                bool are_frames, const FacesOfFrames& faces);

/// All that write_meshes may write for an input.
std::vector<NumberedFiles> mesh_files(const std::filesystem::path& folder,
                                      const std::filesystem::path& input);

}  // namespace retinaface::pipeline
