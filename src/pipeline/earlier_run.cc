#include "pipeline/earlier_run.h"

#include <cstdint>
#include <optional>
#include <system_error>

#include "base/file.h"
#include "evaluation/wider_predictions.h"
#include "pipeline/image_outputs.h"
#include "pipeline/name_text.h"

namespace retinaface::pipeline {
namespace {

namespace fs = std::filesystem;

}  // namespace

EarlierRun::EarlierRun(const DetectionJob& job, const ResultFile& file) : job_(job), file_(file) {
  if (!job.resume) return;
  for (const Input& input : job.inputs) {
    if (!input.problem.empty() || !input.gives_frames()) continue;
    const FacesOfFrames faces = faces_of(input);
    if (faces.empty()) continue;
    const bool is_whole = has_outputs(job.images, input, faces);
    (is_whole ? begun_ : again_).insert(text_of_path(input.path));
  }
}

bool EarlierRun::has_done(const Input& image) const {
  if (!job_.resume || !image.problem.empty() || image.gives_frames()) return false;
  const FacesOfFrames faces = faces_of(image);
  return !faces.empty() && has_outputs(job_.images, image, faces);
}

bool EarlierRun::has_done(const fs::path& video, const video::FrameStamp& frame) const {
  if (!job_.resume || again_.contains(text_of_path(video))) return false;
  if (job_.writes_wider()) return path_exists(wider_file(job_.images.folder, video, frame));
  const VideoDone* const done = left_of(video);
  return done != nullptr && frame.number <= done->last.number;
}

bool EarlierRun::goes_on_with(const fs::path& video) const {
  return begun_.contains(text_of_path(video));
}

bool EarlierRun::has_result(const ImageResult& result) const {
  const std::string name = text_of_path(result.path);
  if (!result.frame) return file_.done().contains(name);
  const auto video = file_.videos_done().find(name);
  return video != file_.videos_done().end() && result.frame->number <= video->second.last.number;
}

const VideoDone* EarlierRun::left_of(const fs::path& video) const {
  const std::string name = text_of_path(video);
  const auto done = file_.videos_done().find(name);
  return done == file_.videos_done().end() || again_.contains(name) ? nullptr : &done->second;
}

/// By the results; none where they have nothing of the input.
FacesOfFrames EarlierRun::faces_of(const Input& input) const {
  if (job_.writes_wider()) return wider_faces_of(input);
  const std::string name = text_of_path(input.path);
  if (input.gives_frames()) {
    const auto video = file_.videos_done().find(name);
    return video == file_.videos_done().end() ? FacesOfFrames() : video->second.faces_of_frames;
  }
  const auto image = file_.done().find(name);
  return image == file_.done().end() ? FacesOfFrames() : FacesOfFrames{{0, image->second}};
}

FacesOfFrames EarlierRun::wider_faces_of(const Input& input) const {
  const auto faces_in = [](const fs::path& file) {
    return evaluation::read_wider_predictions(file).size();
  };
  const fs::path& folder = job_.images.folder;
  if (!input.gives_frames()) {
    const fs::path file = wider_file(folder, input.path, std::nullopt);
    return path_exists(file) ? FacesOfFrames{{0, faces_in(file)}} : FacesOfFrames();
  }
  FacesOfFrames faces;
  const fs::path frames = wider_file(folder, input.path, video::FrameStamp{}).parent_path();
  std::error_code error;
  for (fs::directory_iterator entry(frames, error), end; !error && entry != end;
       entry.increment(error)) {
    if (entry->path().extension() != ".txt") continue;
    if (const auto frame = frame_of_file(entry->path())) faces[*frame] = faces_in(entry->path());
  }
  return faces;
}

}  // namespace retinaface::pipeline
