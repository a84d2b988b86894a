#include "cli/picture_source.h"

#include <utility>

#include "base/check.h"
#include "base/file.h"
#include "cli/problem.h"

namespace retinaface::cli {
namespace {

namespace fs = std::filesystem;

/// Makes the Pictures of one film.
class Frames {
 public:
  Frames(std::shared_ptr<Film> film, std::unique_ptr<video::FilmReader> reader,
         const SourceOptions& options)
      : film_(std::move(film)), reader_(std::move(reader)), options_(options) {}

  std::optional<Picture> next() {
    if (at_end_) return std::nullopt;
    std::optional<Picture> picture;
    std::string problem = problem_of(film_->path, [&] { picture = next_frame(); });
    if (picture) return picture;
    at_end_ = true;
    if (problem.empty()) problem = reader_->damage();
    reader_.reset();
    return Picture{film_->path, std::move(problem), film_};
  }

 private:
  std::optional<Picture> next_frame() {
    while (!film_->is_given_up) {
      const std::optional<video::FrameStamp> frame = reader_->next();
      if (!frame) break;
      if (frame->number % options_.every != 0) continue;
      if (options_.is_done && options_.is_done(film_->path, *frame)) {
        has_done_ = true;
        continue;
      }
      if (has_done_ && options_.in_one_run) {
        fail(ErrorCode::kInvalidArgument,
             "{}: an interrupted run has done a part of it; a film that is drawn or blurred is "
             "written in one run: begin without --resume, or leave out --draw and --blur",
             printable(film_->path));
      }
      return Picture{film_->path, {}, film_, *frame, reader_->picture()};
    }
    return std::nullopt;
  }

  std::shared_ptr<Film> film_;
  std::unique_ptr<video::FilmReader> reader_;
  const SourceOptions& options_;
  bool has_done_ = false;
  bool at_end_ = false;
};

}  // namespace

PictureSource::PictureSource(std::vector<Input> inputs, SourceOptions options)
    : inputs_(std::move(inputs)),
      options_(std::move(options)),
      expected_(static_cast<std::int64_t>(inputs_.size())) {}

void PictureSource::begin(const fs::path& path) {
  has_films_ = true;
  auto reader = std::make_unique<video::FilmReader>(path.string(), options_.film);
  const auto film = std::make_shared<Film>();
  film->path = path;
  film->frames_per_s = reader->frames_per_s() / static_cast<double>(options_.every);
  film->pixel_aspect = reader->pixel_aspect();
  const std::int64_t frames = reader->expected_frames();
  if (frames == 0) has_unknown_ = true;
  expected_ += (frames + options_.every - 1) / options_.every - 1;
  // Enough for the decoder to work while the detector does; a frame of 4K takes 25 MB.
  constexpr std::size_t kFramesAhead = 3;
  const auto frames_of = std::make_shared<Frames>(film, std::move(reader), options_);
  film_ =
      std::make_unique<ReadAhead<Picture>>(kFramesAhead, [frames_of] { return frames_of->next(); });
}

std::optional<Picture> PictureSource::next() {
  while (true) {
    if (film_) {
      if (std::optional<Picture> picture = film_->next()) {
        if (picture->is_end_of_film() && stopped()) was_stopped_ = true;
        return picture;
      }
      film_.reset();
    }
    if (next_ == inputs_.size()) return std::nullopt;
    if (stopped()) {
      was_stopped_ = true;
      return std::nullopt;
    }
    const Input input = std::move(inputs_[next_++]);
    if (!input.problem.empty()) {
      return Picture{input.path, fmt::format("{}: {}", printable(input.path), input.problem)};
    }
    if (!leads_to_film(input.path)) return Picture{input.path, {}};
    const std::string problem = problem_of(input.path, [&] { begin(input.path); });
    if (!problem.empty()) return Picture{input.path, problem};
  }
}

}  // namespace retinaface::cli
