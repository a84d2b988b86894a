#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "retinaface/detector.h"

#include "pipeline/output_guard.h"
#include "video/video_reader.h"

namespace retinaface::pipeline {

/// What `detect` writes besides its results, for each image or video.
struct ImageOutputs {
  std::filesystem::path folder;  ///< or the file of the one video that is written
  bool draw = false;             ///< FOLDER/PATH: the image with its faces drawn
  bool blur = false;             ///< FOLDER/PATH: the image with its faces unrecognisable
  bool crops = false;            ///< FOLDER/PATH.faces/N.png: each face with a margin
  bool aligned = false;          ///< FOLDER/PATH.aligned/N.png: each face as recognisers take it

  bool any() const { return draw || blur || crops || aligned; }
  bool annotates() const { return draw || blur; }
};

/// Whether `out` is the file of a video rather than a folder.
bool is_video_place(const std::filesystem::path& out);

/// Where in `folder` what belongs to an input goes: its path without root and "..", so that
/// images of one name in different folders stay apart. Where `folder` is a video's place, that.
std::filesystem::path place_in(const std::filesystem::path& folder,
                               const std::filesystem::path& input);

/// Writes each face to a file of its own, as far as that is asked for; faces are numbered from 0 by
/// falling score, those of a frame as FRAME_N, "000017_0". Throws Error or
/// std::filesystem::filesystem_error.
void write_faces(const ImageOutputs& outputs, const std::filesystem::path& input,
                 const std::optional<video::FrameStamp>& frame, const Image& image,
                 const std::vector<Face>& faces);

/// Makes faces unrecognisable.
void blur(const std::vector<Face>& faces, Image& image);

/// Draws and blurs faces as asked for; `tracks` are their numbers in a video, else empty.
void annotate(const ImageOutputs& outputs, const std::vector<Face>& faces,
              const std::vector<std::int64_t>& tracks, Image& image);

/// Writes the annotated image. Throws Error or std::filesystem::filesystem_error.
void write_annotated(const ImageOutputs& outputs, const std::filesystem::path& input,
                     const Image& image);

/// Where the annotated video of an input goes, in a container that we write.
std::filesystem::path place_of_video(const ImageOutputs& outputs,
                                     const std::filesystem::path& input);

/// Tells the guard all that the functions above may write for an input.
void announce(const ImageOutputs& outputs, const std::filesystem::path& input, bool is_video,
              OutputGuard& guard);

}  // namespace retinaface::pipeline
