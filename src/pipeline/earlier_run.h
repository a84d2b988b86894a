#pragma once

#include <filesystem>
#include <set>
#include <string>

#include "pipeline/detection_job.h"
#include "pipeline/face_files.h"
#include "pipeline/inputs.h"
#include "pipeline/result_file.h"
#include "pipeline/results.h"
#include "video/video_reader.h"

namespace retinaface::pipeline {

/// What an interrupted run has left to a job that resumes it. An image is done if its result is
/// there and all that is written beside it: what was deleted since is made again, and then its
/// result is not written twice. Of a video with something missing all frames are looked at again,
/// from the first, so that its tracks have the numbers that they had.
class EarlierRun {
 public:
  /// Both must outlive it. A job that does not resume finds nothing done.
  EarlierRun(const DetectionJob& job, const ResultFile& file);

  /// Whether an image, which gives no frames, is to be left out.
  bool has_done(const Input& image) const;
  /// Whether a frame is.
  bool has_done(const std::filesystem::path& video, const video::FrameStamp& frame) const;

  /// Whether a video's frames are gone on with: what was written of those before is kept.
  bool goes_on_with(const std::filesystem::path& video) const;

  /// Whether the results that are gone on with have this one; never with the format "wider", whose
  /// files are written again with the same content.
  bool has_result(const ImageResult& result) const;

  /// What the tracks of a video go on from; null where it begins.
  const VideoDone* left_of(const std::filesystem::path& video) const;

 private:
  FacesOfFrames faces_of(const Input& input) const;
  FacesOfFrames wider_faces_of(const Input& input) const;

  const DetectionJob& job_;
  const ResultFile& file_;
  std::set<std::string> begun_;  // videos by text_of_path, some of whose frames are done
  std::set<std::string> again_;  // those of which something is missing
};

}  // namespace retinaface::pipeline
