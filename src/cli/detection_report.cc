#include "cli/detection_report.h"

#include <utility>

#include <fmt/format.h>
#include <unistd.h>

#include "base/file.h"
#include "cli/command.h"
#include "cli/interruption.h"
#include "cli/problem.h"

namespace retinaface::cli {

/// Films come one after the other, so there is one at a time.
struct DetectionReport::FilmInWork {
  tracking::Tracker tracker;
  std::unique_ptr<video::FilmWriter> writer{};
  bool has_failed = false;  ///< which was told; the frames that are still under way are dropped
};

DetectionReport::DetectionReport(const DetectCommandOptions& options, const ResultFile& file,
                                 const PictureSource& source, std::size_t inputs)
    : options_(options),
      out_(options.out),
      file_(file),
      source_(source),
      writer_(make_result_writer(options.format, file.get(), out_)),
      may_show_progress_(!options.quiet && !(file.get() == stdout && ::isatty(STDOUT_FILENO) == 1)),
      has_many_inputs_(inputs > 1) {}

DetectionReport::~DetectionReport() = default;

void DetectionReport::take(Outcome outcome) {
  Picture& picture = outcome.picture;
  if (picture.is_end_of_film()) {
    end_film(picture);
    return show_progress();
  }
  if (picture.frame) follow(outcome);
  if (film_ && film_->has_failed) return;
  if (outcome.result) picture.problem = write(*outcome.result);
  if (picture.problem.empty() && picture.frame) {
    picture.problem = problem_of(picture.path, [&] { write_frame(outcome); });
  }
  if (!picture.problem.empty()) {
    tell(picture.problem);
    if (picture.frame) {
      film_->has_failed = true;
      picture.film->is_given_up = true;
    }
  } else {
    ++done_;
    faces_ += outcome.result->faces.size();
    ms_ += outcome.result->ms;
  }
  show_progress();
}

void DetectionReport::follow(Outcome& outcome) {
  const Picture& picture = outcome.picture;
  if (!film_) {
    film_ = std::make_unique<FilmInWork>(
        FilmInWork{tracking::Tracker({.min_score = options_.detect.min_score})});
    const auto done = file_.films_done().find(picture.path.string());
    if (done != file_.films_done().end()) {
      const FilmDone& film = done->second;
      film_->tracker.resume(film.faces, film.tracks, film.last.time_s, film.highest_track);
    }
  }
  if (!outcome.result) return;
  const std::vector<std::int64_t> tracks =
      film_->tracker.update(outcome.found, picture.frame->time_s);
  for (const std::size_t i : outcome.wanted) outcome.result->tracks.push_back(tracks[i]);
  for (std::size_t i = 0; i < outcome.found.size(); ++i) {
    const Face& face = outcome.found[i];
    const bool is_faint = face.score < options_.detect.min_score && tracks[i] > 0;
    if (is_faint && is_large_enough(options_, face)) outcome.faint.push_back(face);
  }
}

/// Returns the problem if it is this result's alone. A stream that cannot be written ends the run.
std::string DetectionReport::write(const PictureResult& result) {
  if (options_.writes_wider()) {
    return problem_of(result.path, [&] { writer_->write(result); });
  }
  writer_->write(result);
  return {};
}

void DetectionReport::write_frame(Outcome& outcome) {
  if (!options_.pictures.annotates()) return;
  Picture& picture = outcome.picture;
  const PictureResult& result = *outcome.result;
  if (!film_->writer) {
    const std::filesystem::path place = place_of_film(options_.pictures, picture.path);
    if (place.has_parent_path()) make_folders(place.parent_path());
    film_->writer = std::make_unique<video::FilmWriter>(
        place, picture.image.width(), picture.image.height(),
        video::FilmFormat{.frames_per_s = picture.film->frames_per_s,
                          .pixel_aspect = picture.film->pixel_aspect});
  }
  // A face must not be bare for the frames in which it is hard to see.
  if (options_.pictures.blur && options_.max_faces == 0) blur(outcome.faint, picture.image);
  annotate(options_.pictures, result.faces, result.tracks, picture.image);
  film_->writer->write(picture.image, picture.frame->time_s);
}

void DetectionReport::end_film(const Picture& picture) {
  const std::unique_ptr<FilmInWork> film = std::move(film_);
  if (film && film->has_failed) return;
  if (!picture.problem.empty()) tell(picture.problem);
  if (!film || !film->writer) return;
  // What was decoded before the damage is kept.
  const std::string problem = problem_of(picture.path, [&] { film->writer->finish(); });
  if (!problem.empty() && picture.problem.empty()) tell(problem);
}

void DetectionReport::show_progress() {
  if (!may_show_progress_ || !(has_many_inputs_ || source_.has_films())) return;
  progress_.show(done_ + failed_, static_cast<std::size_t>(source_.expected()));
}

void DetectionReport::tell(const std::string& problem) {
  ++failed_;
  progress_.hide();
  fmt::print(stderr, "retinaface: {}\n", problem);
}

std::string DetectionReport::counted() const {
  return source_.has_films() ? "pictures and frames" : "pictures";
}

int DetectionReport::finish() {
  writer_->finish();
  progress_.hide();
  if (options_.verbose && done_ > 0) {
    fmt::print(stderr, "retinaface: {} {}, {} faces, {:.2f} ms each, {} failed\n", done_, counted(),
               faces_, ms_ / static_cast<double>(done_), failed_);
  }
  if (source_.was_stopped()) {
    fmt::print(stderr, "retinaface: interrupted after {} {}{}\n", done_ + failed_,
               source_.expected() > 0 ? fmt::format("of {} ", source_.expected()) : "", counted());
    return kInterrupted;
  }
  return failed_ == 0 ? kSuccess : kSomeFailed;
}

}  // namespace retinaface::cli
