#include "pipeline/detection_report.h"

#include <algorithm>
#include <deque>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include "retinaface/blur.h"

#include "base/counted.h"
#include "base/file.h"
#include "image/obscure.h"
#include "pipeline/mesh_files.h"
#include "pipeline/problem.h"
#include "video/video_writer.h"

namespace retinaface::pipeline {

/// Videos come one after the other, so there is one at a time.
struct DetectionReport::VideoInWork {
  /// One that waits for what the frames after it tell.
  struct WaitingFrame {
    InputImage image;
    ImageResult result;
    std::vector<HiddenTracks::Sighting> sightings;
  };

  tracking::Tracker tracker;
  tracking::Tracker hidden_tracker;  ///< of what is hidden, with tracks of its own
  std::int64_t highest_track = 0;
  std::optional<SceneLook> look{};  ///< of the frame before
  bool starts_scene = false;        ///< the frame that was followed last
  HiddenTracks hidden{};
  std::deque<WaitingFrame>
      waiting{};  ///< frames that are not yet written, the last ones of `hidden`
  std::unique_ptr<video::VideoWriter> writer{};
  std::int64_t faces_of_pages = 0;
  bool has_failed = false;  ///< which was told; the frames that are still under way are dropped
};

DetectionReport::DetectionReport(const DetectionJob& job, const DetectionEvents& events,
                                 ResultFile& file, const EarlierRun& earlier,
                                 const ImageSource& source, std::size_t inputs)
    : job_(job),
      events_(events),
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
    if (image.frames > 1 && images_of_frames_++ == 0) {
      first_of_frames_ = image.path;
      frames_of_first_ = image.frames;
    }
    summary_.faces += outcome.detection->result.faces.size();
    summary_.ms += outcome.detection->result.ms;
    if (events_.result) events_.result(outcome.detection->result);
  }
  show_progress();
}

void DetectionReport::follow(Outcome& outcome) {
  const InputImage& image = outcome.image;
  if (!video_) {
    video_ = std::make_unique<VideoInWork>(VideoInWork{new_tracker(), new_tracker()});
    begin_outputs(image);
    if (const VideoDone* const done = earlier_.left_of(image.path)) {
      video_->tracker.resume(done->faces, done->tracks, done->last.time_s, done->highest_track);
      video_->highest_track = done->highest_track;
    }
  }
  if (!outcome.detection) return;
  DetectedFaces& detection = *outcome.detection;
  if (image.video->are_pages) {  // on which nobody moves from one to the next
    for ([[maybe_unused]] const std::size_t i : detection.wanted) {
      detection.result.tracks.push_back(++video_->faces_of_pages);
    }
    return;
  }
  // Nobody's track goes on over a cut.
  video_->starts_scene = video_->look && outcome.look && video_->look->is_cut_to(*outcome.look);
  video_->look = outcome.look;
  if (video_->starts_scene) {
    // Their numbers go on from those that there have been.
    video_->tracker = new_tracker();
    video_->hidden_tracker = new_tracker();
    video_->tracker.resume({}, {}, image.frame->time_s, video_->highest_track);
  }
  const std::vector<std::int64_t> tracks =
      video_->tracker.update(detection.found, image.frame->time_s);
  for (const std::size_t i : detection.wanted) detection.result.tracks.push_back(tracks[i]);
  for (const std::int64_t track : tracks) {
    video_->highest_track = std::max(video_->highest_track, track);
  }
  if (!job_.images.blur) return;
  const std::vector<std::int64_t> hidden_tracks =
      video_->hidden_tracker.update(detection.hidden, image.frame->time_s);
  for (std::size_t i = 0; i < detection.hidden.size(); ++i) {
    if (hidden_tracks[i] > 0) {
      outcome.sightings.push_back({hidden_tracks[i], detection.hidden[i].box});
    }
  }
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

tracking::Tracker DetectionReport::new_tracker() const {
  return tracking::Tracker({.min_score = job_.selection.detect.min_score});
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
  // A face must not be bare in the frames in which it is hard to see, which those after them tell.
  // Of a few faces that are wanted, no others are hidden.
  if (!job_.images.blur || job_.selection.max_faces != 0) {
    return write_annotated_frame(image, result, {});
  }
  video_->hidden.add(image.frame->time_s, video_->starts_scene, outcome.sightings);
  video_->waiting.push_back({{image.path, {}, image.video, image.frame, std::move(image.image)},
                             result,
                             outcome.sightings});
  release_frames(false);
}

void DetectionReport::release_frames(bool all) {
  std::deque<VideoInWork::WaitingFrame>& waiting = video_->waiting;
  HiddenTracks& hidden = video_->hidden;
  // As long as a track may be away, unless frames are so large that they take too much memory.
  constexpr double kMaxDelay_s = 1;
  constexpr std::size_t kMaxWaitingBytes = std::size_t{512} << 20;
  while (!waiting.empty()) {
    VideoInWork::WaitingFrame& first = waiting.front();
    const Image& image = first.image.image;
    const auto bytes =
        static_cast<std::size_t>(image.stride()) * static_cast<std::size_t>(image.height());
    const bool is_due =
        waiting.back().image.frame->time_s - first.image.frame->time_s >= kMaxDelay_s;
    if (!all && !is_due && bytes * waiting.size() <= kMaxWaitingBytes) return;
    const std::size_t number = hidden.end() - waiting.size();
    // Those of the frame itself are hidden where they are seen, those below min_score too.
    std::vector<Box> boxes = hidden.unseen(number);
    for (const HiddenTracks::Sighting& sighting : first.sightings) boxes.push_back(sighting.box);
    write_annotated_frame(first.image, first.result, boxes);
    waiting.pop_front();
    while (hidden.first() < number &&
           hidden.time_s(number) - hidden.time_s(hidden.first()) > kMaxDelay_s) {
      hidden.forget_before(hidden.first() + 1);
    }
  }
}

void DetectionReport::write_annotated_frame(InputImage& image, const ImageResult& result,
                                            const std::vector<Box>& hidden) {
  if (!video_->writer) {
    const std::filesystem::path place = place_of_video(job_.images, image.path);
    if (place.has_parent_path()) make_folders(place.parent_path());
    video_->writer = std::make_unique<video::VideoWriter>(
        place, image.image.width(), image.image.height(),
        video::VideoFormat{
            .frames_per_s = image.video->frames_per_s,
            .pixel_aspect = image.video->pixel_aspect,
            .sound_from = job_.images.sound && image.video->is_file ? image.path.string() : ""});
    for (const std::string& codec : video_->writer->sound_left_out()) {
      if (!events_.message) break;
      events_.message(
          fmt::format("{}: {} files cannot hold its sound, {}, which is left out; with --out "
                      "NAME.mkv it is kept",
                      printable(image.path), place.extension().string(), codec));
    }
  }
  for (const Box& box : hidden) obscure_face(image.image, box);
  annotate(job_.images, result.faces, result.tracks, image.image);
  video_->writer->write(image.image, image.frame->time_s);
}

void DetectionReport::end_video(const InputImage& image) {
  std::string problem;
  if (video_ && !video_->has_failed) {
    problem = problem_of(image.path, [&] { release_frames(true); });
  }
  const std::unique_ptr<VideoInWork> video = std::move(video_);
  if (video && video->has_failed) return;
  if (!image.problem.empty()) tell(image.problem);
  if (!video || !video->writer) return;
  // What was decoded before the damage is kept.
  using SoundEnd = video::VideoWriter::SoundEnd;
  const bool is_whole = image.problem.empty() && !source_.was_stopped();
  if (problem.empty()) {
    problem = problem_of(image.path, [&] {
      video->writer->finish(is_whole ? SoundEnd::kByItself : SoundEnd::kWithLastImage);
    });
  }
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

std::string DetectionReport::frames_left() const {
  if (images_of_frames_ == 0) return {};
  const std::string others =
      images_of_frames_ == 1
          ? ""
          : fmt::format(" (and of {} likewise)", counted(images_of_frames_ - 1, "other image"));
  return fmt::format("{}: read 1 of {} frames{}; --all-frames reads all",
                     printable(first_of_frames_), frames_of_first_, others);
}

DetectionSummary DetectionReport::finish() {
  writer_->finish();
  summary_.frames_left = frames_left();
  summary_.has_videos = source_.has_videos();
  summary_.expected = source_.expected();
  summary_.was_interrupted = source_.was_stopped() || was_interrupted_;
  return summary_;
}

}  // namespace retinaface::pipeline
