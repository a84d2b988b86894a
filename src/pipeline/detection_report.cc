#include "pipeline/detection_report.h"

#include <string_view>
#include <utility>

#include "retinaface/blur.h"

#include "base/file.h"
#include "detection/face_selection.h"
#include "pipeline/mesh_files.h"
#include "pipeline/name_text.h"
#include "pipeline/problem.h"
#include "tracking/tracker.h"
#include "video/video_writer.h"

namespace retinaface::pipeline {

/// Videos come one after the other, so there is one at a time.
struct DetectionReport::VideoInWork {
  tracking::Tracker tracker;
  std::unique_ptr<video::VideoWriter> writer{};
  bool has_failed = false;  ///< which was told; the frames that are still under way are dropped
};

DetectionReport::DetectionReport(const DetectionJob& job, const DetectionEvents& events,
                                 ResultFile& file, const ImageSource& source, std::size_t inputs)
    : job_(job),
      events_(events),
      file_(file),
      source_(source),
      writer_(make_result_writer(
          job.format, [&file](std::string_view text) { file.put(text); }, job.images.folder)),
      has_many_inputs_(inputs > 1) {}

DetectionReport::~DetectionReport() = default;

void DetectionReport::take(Outcome outcome) {
  InputImage& image = outcome.image;
  was_interrupted_ |= outcome.was_interrupted;
  if (image.is_end_of_video()) {
    end_video(image);
    return show_progress();
  }
  if (image.frame) follow(outcome);
  if (video_ && video_->has_failed) return;
  if (outcome.detection) image.problem = write(outcome.detection->result);
  if (image.problem.empty() && image.frame) {
    image.problem = problem_of(image.path, [&] { write_frame(outcome); });
  }
  if (!image.problem.empty()) {
    tell(image.problem);
    if (image.frame) {
      video_->has_failed = true;
      image.video->is_given_up = true;
    }
  } else {
    ++summary_.done;
    summary_.faces += outcome.detection->result.faces.size();
    summary_.ms += outcome.detection->result.ms;
    if (events_.result) events_.result(outcome.detection->result);
  }
  show_progress();
}

void DetectionReport::follow(Outcome& outcome) {
  const InputImage& image = outcome.image;
  if (!video_) {
    video_ = std::make_unique<VideoInWork>(
        VideoInWork{tracking::Tracker({.min_score = job_.selection.detect.min_score})});
    const auto done = file_.videos_done().find(text_of_path(image.path));
    if (done != file_.videos_done().end()) {
      const VideoDone& video = done->second;
      video_->tracker.resume(video.faces, video.tracks, video.last.time_s, video.highest_track);
    }
  }
  if (!outcome.detection) return;
  DetectedFaces& detection = *outcome.detection;
  const std::vector<std::int64_t> tracks =
      video_->tracker.update(detection.found, image.frame->time_s);
  for (const std::size_t i : detection.wanted) detection.result.tracks.push_back(tracks[i]);
  for (std::size_t i = 0; i < detection.found.size(); ++i) {
    const Face& face = detection.found[i];
    const bool is_faint = face.score < job_.selection.detect.min_score && tracks[i] > 0;
    if (is_faint && detection::is_large_enough(face, job_.selection.min_size_px))
      outcome.faint.push_back(face);
  }
}

/// Returns the problem if it is this result's alone. A stream that cannot be written ends the run.
std::string DetectionReport::write(const ImageResult& result) {
  if (job_.writes_wider()) {
    return problem_of(result.path, [&] { writer_->write(result); });
  }
  writer_->write(result);
  return {};
}

void DetectionReport::write_frame(Outcome& outcome) {
  write_faces(job_.images, outcome.image.path, outcome.image.frame,
              outcome.detection->result.tracks, outcome.faces);
  if (!job_.images.mesh_folder.empty()) {
    write_meshes(job_.images.mesh_folder, outcome.image.path, outcome.image.frame,
                 outcome.detection->result.tracks, outcome.detection->result.faces);
  }
  if (!job_.images.annotates()) return;
  InputImage& image = outcome.image;
  const ImageResult& result = outcome.detection->result;
  if (!video_->writer) {
    const std::filesystem::path place = place_of_video(job_.images, image.path);
    if (place.has_parent_path()) make_folders(place.parent_path());
    video_->writer = std::make_unique<video::VideoWriter>(
        place, image.image.width(), image.image.height(),
        video::VideoFormat{.frames_per_s = image.video->frames_per_s,
                           .pixel_aspect = image.video->pixel_aspect});
  }
  // A face must not be bare for the frames in which it is hard to see.
  if (job_.images.blur && job_.selection.max_faces == 0) blur_faces(image.image, outcome.faint);
  annotate(job_.images, result.faces, result.tracks, image.image);
  video_->writer->write(image.image, image.frame->time_s);
}

void DetectionReport::end_video(const InputImage& image) {
  const std::unique_ptr<VideoInWork> video = std::move(video_);
  if (video && video->has_failed) return;
  if (!image.problem.empty()) tell(image.problem);
  if (!video || !video->writer) return;
  // What was decoded before the damage is kept.
  const std::string problem = problem_of(image.path, [&] { video->writer->finish(); });
  if (!problem.empty() && image.problem.empty()) tell(problem);
}

void DetectionReport::show_progress() {
  if (!events_.progress || !(has_many_inputs_ || source_.has_videos())) return;
  events_.progress(summary_.done + summary_.failed, static_cast<std::size_t>(source_.expected()));
}

void DetectionReport::tell(const std::string& problem) {
  ++summary_.failed;
  if (events_.message) events_.message(problem);
}

DetectionSummary DetectionReport::finish() {
  writer_->finish();
  summary_.has_videos = source_.has_videos();
  summary_.expected = source_.expected();
  summary_.was_interrupted = source_.was_stopped() || was_interrupted_;
  return summary_;
}

}  // namespace retinaface::pipeline
