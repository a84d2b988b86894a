#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "retinaface/alignment.h"
#include "retinaface/detector.h"

#include "image/codecs/write_options.h"
#include "pipeline/face_files.h"
#include "pipeline/inputs.h"
#include "pipeline/output_guard.h"
#include "video/video_reader.h"

namespace retinaface::pipeline {

/// How a face is drawn on its image.
enum class DrawStyle {
  kBoxes,      ///< its box, points and score
  kWireframe,  ///< the edges of its mesh
  kShaded,     ///< its mesh, in the mesh's colors
};

/// What `detect` writes besides its results, for each image or video.
struct ImageOutputs {
  std::filesystem::path folder{};  ///< or the file of the one image or video that is written
  bool draw = false;               ///< FOLDER/PATH: the image with its faces drawn
  DrawStyle draw_style = DrawStyle::kBoxes;
  bool blur = false;     ///< FOLDER/PATH: the image with its faces unrecognisable
  bool sound = true;     ///< annotated videos have the sound of their inputs
  bool crops = false;    ///< FOLDER/PATH.faces/N.png: each face with a margin
  bool aligned = false;  ///< FOLDER/PATH.aligned/N.png: each face as recognisers take it
  int aligned_side_px = kAlignedSide;
  WriteOptions write{};
  /// MESH_FOLDER/PATH.meshes/N.obj, N.ply: each face's mesh; empty: none.
  std::filesystem::path mesh_folder{};

  bool any() const { return draw || blur || crops || aligned; }
  bool annotates() const { return draw || blur; }
  /// Whether faces have to have their meshes.
  bool needs_meshes() const {
    return !mesh_folder.empty() || (draw && draw_style != DrawStyle::kBoxes);
  }
};

/// Whether `out` is the file of a video, or of an image, rather than a folder.
bool is_video_place(const std::filesystem::path& out);
bool is_image_place(const std::filesystem::path& out);

/// Where in `folder` what belongs to an input goes: its path without root and "..", so that
/// images of one name in different folders stay apart. Where `folder` is the place of a video or an
/// image, that.
std::filesystem::path place_in(const std::filesystem::path& folder,
                               const std::filesystem::path& input);
/// The same whatever the folder's name looks like.
std::filesystem::path place_under(const std::filesystem::path& folder,
                                  const std::filesystem::path& input);

/// Encoded images of single faces, by the faces' order; no bytes where a face lies outside its
/// image. Empty where such images are not asked for.
struct FaceImages {
  std::vector<std::vector<std::byte>> crops;
  std::vector<std::vector<std::byte>> aligned;
};

/// Cuts out each face, as far as that is asked for. Throws Error.
FaceImages cut_faces(const ImageOutputs& outputs, const Image& image,
                     const std::vector<Face>& faces);

/// Writes each face to a file of its own: numbered from 0 by falling score, those of a frame by
/// FRAME_TRACK, "000017_2". Throws Error or std::filesystem::filesystem_error.
void write_faces(const ImageOutputs& outputs, const std::filesystem::path& input,
                 const std::optional<video::FrameStamp>& frame,
                 const std::vector<std::int64_t>& tracks, const FaceImages& faces);

/// Draws faces if that is asked for; `tracks` are their numbers in a video, else empty. What is to
/// be hidden (faces_to_hide) is hidden before.
void annotate(const ImageOutputs& outputs, const std::vector<Face>& faces,
              const std::vector<std::int64_t>& tracks, Image& image);

/// Writes the annotated image, with the input's notes as its metadata. Throws Error or
/// std::filesystem::filesystem_error.
void write_annotated(const ImageOutputs& outputs, const std::filesystem::path& input,
                     const Image& image, const CaptureNotes& notes = {});

/// Where the annotated video of an input goes, in a container that we write.
std::filesystem::path place_of_video(const ImageOutputs& outputs,
                                     const std::filesystem::path& input);

/// Writes the annotated page of an image of several: FOLDER/PATH.pages/N.png, N from 0 as in
/// results. Throws Error or std::filesystem::filesystem_error.
void write_page(const ImageOutputs& outputs, const std::filesystem::path& input,
                std::int64_t number, const Image& image);

/// What an input's frames are, and so what is written of them.
enum class FrameKind { kImage, kVideo, kPages };
FrameKind frame_kind(const Input& input);

/// Whether all is there that the functions above write for an input in whose frames so many faces
/// were found. A face without a crop, outside its image, counts as one whose crop is missing.
bool has_outputs(const ImageOutputs& outputs, const Input& input, const FacesOfFrames& faces);

/// Removes what earlier runs wrote into the folders of an input's faces, pages and meshes, as far
/// as these are written now. Throws Error(kUnwritable).
void remove_earlier(const ImageOutputs& outputs, const std::filesystem::path& input,
                    FrameKind frames);

/// Tells the guard all that the functions above may write for an input.
void announce(const ImageOutputs& outputs, const std::filesystem::path& input, FrameKind frames,
              OutputGuard& guard);

}  // namespace retinaface::pipeline
