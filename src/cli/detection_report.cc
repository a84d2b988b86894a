#include "cli/detection_report.h"

#include <utility>

#include <fmt/format.h>
#include <unistd.h>

#include "base/file.h"
#include "cli/command.h"
#include "cli/interruption.h"
#include "cli/problem.h"

namespace retinaface::cli {

/// Videos come one after the other, so there is one at a time.
struct DetectionReport::VideoInWork {
  tracking::Tracker tracker;
  std::unique_ptr<video::VideoWriter> writer{};
  bool has_failed = false;  ///< which was told; the frames that are still under way are dropped
};

DetectionReport::DetectionReport(const DetectCommandOptions& options, const ResultFile& file,
                                 const ImageSource& source, std::size_t inputs)
    : options_(options),
      out_(options.out),
      file_(file),
      source_(source),
      writer_(make_result_writer(options.format, file.get(), out_)),
      may_show_progress_(!options.quiet && !(file.get() == stdout && ::isatty(STDOUT_FILENO) == 1)),
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
  if (outcome.result) image.problem = write(*outcome.result);
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
    ++done_;
    faces_ += outcome.result->faces.size();
    ms_ += outcome.result->ms;
  }
  show_progress();
}

void DetectionReport::follow(Outcome& outcome) {
  const InputImage& image = outcome.image;
  if (!video_) {
    video_ = std::make_unique<VideoInWork>(
        VideoInWork{tracking::Tracker({.min_score = options_.detect.min_score})});
    const auto done = file_.videos_done().find(image.path.string());
    if (done != file_.videos_done().end()) {
      const VideoDone& video = done->second;
      video_->tracker.resume(video.faces, video.tracks, video.last.time_s, video.highest_track);
    }
  }
  if (!outcome.result) return;
  const std::vector<std::int64_t> tracks =
      video_->tracker.update(outcome.found, image.frame->time_s);
  for (const std::size_t i : outcome.wanted) outcome.result->tracks.push_back(tracks[i]);
  for (std::size_t i = 0; i < outcome.found.size(); ++i) {
    const Face& face = outcome.found[i];
    const bool is_faint = face.score < options_.detect.min_score && tracks[i] > 0;
    if (is_faint && is_large_enough(options_, face)) outcome.faint.push_back(face);
  }
}

/// Returns the problem if it is this result's alone. A stream that cannot be written ends the run.
std::string DetectionReport::write(const ImageResult& result) {
  if (options_.writes_wider()) {
    return problem_of(result.path, [&] { writer_->write(result); });
  }
  writer_->write(result);
  return {};
}

void DetectionReport::write_frame(Outcome& outcome) {
  if (!options_.images.annotates()) return;
  InputImage& image = outcome.image;
  const ImageResult& result = *outcome.result;
  if (!video_->writer) {
    const std::filesystem::path place = place_of_video(options_.images, image.path);
    if (place.has_parent_path()) make_folders(place.parent_path());
    video_->writer = std::make_unique<video::VideoWriter>(
        place, image.image.width(), image.image.height(),
        video::VideoFormat{.frames_per_s = image.video->frames_per_s,
                           .pixel_aspect = image.video->pixel_aspect});
  }
  // A face must not be bare for the frames in which it is hard to see.
  if (options_.images.blur && options_.max_faces == 0) blur(outcome.faint, image.image);
  annotate(options_.images, result.faces, result.tracks, image.image);
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
  if (!may_show_progress_ || !(has_many_inputs_ || source_.has_videos())) return;
  progress_.show(done_ + failed_, static_cast<std::size_t>(source_.expected()));
}

void DetectionReport::tell(const std::string& problem) {
  ++failed_;
  progress_.hide();
  fmt::print(stderr, "retinaface: {}\n", problem);
}

std::string DetectionReport::counted() const {
  return source_.has_videos() ? "images and frames" : "images";
}

int DetectionReport::finish() {
  writer_->finish();
  progress_.hide();
  if (options_.verbose && done_ > 0) {
    fmt::print(stderr, "retinaface: {} {}, {} faces, {:.2f} ms each, {} failed\n", done_, counted(),
               faces_, ms_ / static_cast<double>(done_), failed_);
  }
  if (source_.was_stopped() || was_interrupted_) {
    fmt::print(stderr, "retinaface: interrupted after {} {}{}\n", done_ + failed_,
               source_.expected() > 0 ? fmt::format("of {} ", source_.expected()) : "", counted());
    return kInterrupted;
  }
  return failed_ == 0 ? kSuccess : kSomeFailed;
}

}  // namespace retinaface::cli
