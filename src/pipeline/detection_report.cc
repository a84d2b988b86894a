#include "pipeline/detection_report.h"

#include <algorithm>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include "retinaface/blur.h"

#include "base/counted.h"
#include "pipeline/annotated_video.h"
#include "pipeline/mesh_files.h"
#include "pipeline/problem.h"

namespace retinaface::pipeline {

/// Videos come one after the other, so there is one at a time.
struct DetectionReport::VideoInWork {
  VideoTracks tracks;
  AnnotatedVideo annotated;
  bool has_failed = false;  ///< which was told; the frames that are still under way are dropped
};

DetectionReport::DetectionReport(const DetectionJob& job, const DetectionEvents& events,
                                 ResultFile& file, const EarlierRun& earlier,
                                 const ImageSource& source, std::size_t inputs)
    : job_(job),
      events_(events),
      file_(file),
      earlier_(earlier),
      source_(source),
      writer_(make_result_writer(
          job.format, [&file](std::string_view text) { file.put(text); }, job.images.folder)),
      has_many_inputs_(inputs > 1) {}

DetectionReport::~DetectionReport() = default;

void DetectionReport::take(Outcome outcome) {
  InputImage& image = outcome.image;
  was_interrupted_ |= outcome.was_interrupted;
  if (events_.message) std::ranges::for_each(image.warnings, events_.message);
  if (image.is_end_of_video()) {
    end_video(image);
    return show_progress();
  }
  if (image.frame) follow(outcome);
  if (video_ && video_->has_failed) return;
  if (outcome.detection && !earlier_.has_result(outcome.detection->result)) {
    image.problem = write(outcome.detection->result);
  }
  if (image.problem.empty() && image.frame) {
    image.problem = problem_of(image.path, [&] { write_frame(outcome); });
  }
  if (!image.problem.empty()) {
    tell(image.problem);
    if (image.frame) give_up(image);
  } else {
    ++summary_.done;
    frames_left_.note(image.path, image.frames);
    summary_.faces += outcome.detection->result.faces.size();
    summary_.ms += outcome.detection->result.ms;
    if (events_.result) events_.result(outcome.detection->result);
  }
  show_progress();
}

void DetectionReport::follow(Outcome& outcome) {
  const InputImage& image = outcome.image;
  if (!video_) {
    // Of a few faces that are wanted, no others are hidden.
    const bool looks_around = job_.images.blur && job_.detect.max_faces == 0;
    video_ = std::make_unique<VideoInWork>(VideoInWork{
        VideoTracks(job_, earlier_.left_of(image.path)),
        AnnotatedVideo(job_.images, image.video, looks_around, events_.message, job_.spelling)});
    begin_outputs(image);
  }
  if (!outcome.detection) return;
  const DetectedFaces& detection = *outcome.detection;
  outcome.tracks = image.video->are_pages
                       ? video_->tracks.number(detection)
                       : video_->tracks.follow(detection, image.frame->time_s, outcome.scene);
  outcome.detection->result.tracks = outcome.tracks.tracks;
}

void DetectionReport::begin_outputs(const InputImage& image) {
  if (earlier_.goes_on_with(image.path)) return;
  const FrameKind kind = image.video->are_pages ? FrameKind::kPages : FrameKind::kVideo;
  const std::string problem =
      problem_of(image.path, [&] { remove_earlier(job_.images, image.path, kind); });
  if (problem.empty()) return;
  tell(problem);
  give_up(image);
}

void DetectionReport::give_up(const InputImage& frame) {
  video_->has_failed = true;
  frame.video->is_given_up = true;
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
  if (image.video->are_pages) {
    blur_faces(image.image, outcome.detection->hidden);
    annotate(job_.images, result.faces, {}, image.image);
    return write_page(job_.images, image.path, image.frame->number, image.image);
  }
  video_->annotated.add({.image = std::move(image.image),
                         .time_s = image.frame->time_s,
                         .result = result,
                         .sightings = std::move(outcome.tracks.sightings),
                         .starts_scene = outcome.tracks.starts_scene});
}

void DetectionReport::end_video(const InputImage& image) {
  const std::unique_ptr<VideoInWork> video = std::move(video_);
  if (video && video->has_failed) return;
  if (!image.problem.empty()) tell(image.problem);
  if (!video) return;
  // What was decoded before the damage is kept.
  const bool is_whole = image.problem.empty() && !source_.was_stopped();
  const std::string problem = problem_of(image.path, [&] { video->annotated.finish(is_whole); });
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
  // Where no image could be read, an earlier run's results are not replaced by none.
  if (summary_.done > 0 || !file_.has_earlier()) writer_->finish();
  summary_.frames_left = frames_left_.line();
  summary_.has_videos = source_.has_videos();
  summary_.expected = source_.expected();
  summary_.was_interrupted = source_.was_stopped() || was_interrupted_;
  return summary_;
}

}  // namespace retinaface::pipeline
