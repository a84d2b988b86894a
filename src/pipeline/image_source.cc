#include "pipeline/image_source.h"

#include <utility>

#include <fmt/format.h>

#include "base/check.h"
#include "base/counted.h"
#include "base/file.h"
#include "image/codecs/encoded_size.h"
#include "image/codecs/image_frames.h"
#include "pipeline/input_problem.h"
#include "pipeline/problem.h"
#include "video/video_kind.h"

namespace retinaface::pipeline {
namespace {

namespace fs = std::filesystem;

/// The frames of an image, as video::VideoReader gives those of a video.
class AnimationReader {
 public:
  /// Where `stop`, which may be null, turns true, no more frames follow.
  AnimationReader(const Input& input, const ReadOptions& options, const std::atomic<bool>* stop)
      : frames_(input.content != nullptr ? *input.content
                                         : read_image_file(input.path, options.max_pixels),
                options, input.content != nullptr ? "standard input" : printable(input.path)),
        stop_(stop) {}

  std::optional<video::FrameStamp> next() {
    if (stop_ != nullptr && *stop_) return std::nullopt;
    frame_ = frames_.next();
    if (!frame_) return std::nullopt;
    return video::FrameStamp{number_++, frame_->time_s};
  }
  Image image() { return std::move(frame_->image); }
  std::string damage() const { return {}; }
  std::int64_t missing_frames() const { return 0; }

 private:
  ImageFrames frames_;
  const std::atomic<bool>* stop_;
  std::optional<ImageFrames::Frame> frame_;
  std::int64_t number_ = 0;
};

/// Makes the InputImages of one video.
template <typename Reader>
class Frames {
 public:
  Frames(std::shared_ptr<Video> video, std::unique_ptr<Reader> reader, const SourceOptions& options)
      : video_(std::move(video)), reader_(std::move(reader)), options_(options) {}

  std::optional<InputImage> next() {
    if (at_end_) return std::nullopt;
    std::optional<InputImage> image;
    std::string problem = problem_of(video_->path, [&] { image = next_frame(); });
    if (image) return image;
    at_end_ = true;
    if (problem.empty()) problem = reader_->damage();
    InputImage end{video_->path, std::move(problem), video_};
    if (const auto missing = static_cast<std::size_t>(reader_->missing_frames()); missing > 0) {
      end.warnings.push_back(fmt::format("{}: {} missing: lost on the way, or never there",
                                         printable(video_->path), counted(missing, "frame")));
    }
    reader_.reset();
    return end;
  }

 private:
  std::optional<InputImage> next_frame() {
    while (!video_->is_given_up) {
      const std::optional<video::FrameStamp> frame = reader_->next();
      if (!frame) break;
      if (frame->number % options_.every != 0) continue;
      if (options_.is_done && options_.is_done(video_->path, *frame)) {
        has_done_ = true;
        continue;
      }
      if (has_done_ && options_.in_one_run) {
        const OptionSpelling& name = options_.spelling;
        fail(ErrorCode::kInvalidArgument,
             "{}: an interrupted run has done a part of it; a video that is drawn or blurred is "
             "written in one run: begin without {}, or leave out {} and {}",
             printable(video_->path), name("resume"), name("draw"), name("blur"));
      }
      return InputImage{video_->path, {}, video_, *frame, reader_->image()};
    }
    return std::nullopt;
  }

  std::shared_ptr<Video> video_;
  std::unique_ptr<Reader> reader_;
  const SourceOptions& options_;
  bool has_done_ = false;
  bool at_end_ = false;
};

}  // namespace

ImageSource::ImageSource(std::vector<Input> inputs, SourceOptions options)
    : inputs_(std::move(inputs)),
      options_(std::move(options)),
      expected_(static_cast<std::int64_t>(inputs_.size())) {}

void ImageSource::begin(const Input& input) {
  has_videos_ = true;
  if (input.frames > 1) {
    begin_image(input);
  } else {
    begin_video(input.path);
  }
}

void ImageSource::begin_video(const fs::path& path) {
  auto reader = std::make_unique<video::VideoReader>(path.string(), options_.video);
  const auto video = std::make_shared<Video>();
  video->path = path;
  video->frames_per_s = reader->frames_per_s() / static_cast<double>(options_.every);
  video->is_file = !video::is_camera(path) && !video::is_stream(path.string());
  video->pixel_aspect = reader->pixel_aspect();
  const std::int64_t frames = reader->expected_frames();
  begin(video, std::move(reader), frames);
}

void ImageSource::begin_image(const Input& input) {
  const auto video = std::make_shared<Video>();
  video->path = input.path;
  video->are_pages = input.are_pages;
  begin(video, std::make_unique<AnimationReader>(input, options_.image, options_.video.stop),
        input.frames);
}

template <typename Reader>
void ImageSource::begin(std::shared_ptr<Video> video, Reader reader, std::int64_t frames) {
  if (frames == 0) has_unknown_ = true;
  expected_ += (frames + options_.every - 1) / options_.every - 1;
  // Enough for the decoder to work while the detector does; a frame of 4K takes 25 MB.
  constexpr std::size_t kFramesAhead = 3;
  const auto frames_of = std::make_shared<Frames<typename Reader::element_type>>(
      std::move(video), std::move(reader), options_);
  video_ = std::make_unique<ReadAhead<InputImage>>(kFramesAhead,
                                                   [frames_of] { return frames_of->next(); });
}

std::optional<InputImage> ImageSource::next() {
  while (true) {
    if (video_) {
      if (std::optional<InputImage> image = video_->next()) {
        // What was read ahead is not begun any more.
        if (stopped() && !image->is_end_of_video()) continue;
        if (image->is_end_of_video() && stopped()) was_stopped_ = true;
        return image;
      }
      video_.reset();
    }
    if (next_ == inputs_.size()) return std::nullopt;
    if (stopped()) {
      was_stopped_ = true;
      return std::nullopt;
    }
    const Input input = std::move(inputs_[next_++]);
    if (!input.problem.empty()) {
      return InputImage{input.path, problem_line(input)};
    }
    if (!input.gives_frames()) {
      InputImage image{input.path, {}};
      image.content = input.content;
      return image;
    }
    const std::string problem = problem_of(input.path, [&] { begin(input); });
    if (!problem.empty()) return InputImage{input.path, problem};
  }
}

}  // namespace retinaface::pipeline
