#pragma once

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "retinaface/image.h"

#include "base/read_ahead.h"
#include "image/codecs/capture_notes.h"
#include "pipeline/inputs.h"
#include "pipeline/option_spelling.h"
#include "video/video_reader.h"

namespace retinaface::pipeline {

/// A video, or an image of several frames, that is worked on.
struct Video {
  std::filesystem::path path;
  double frames_per_s = 0;  ///< of the frames that are looked at; 0 if unknown
  double pixel_aspect = 1;
  bool is_file = false;                   ///< whose sound can be read apart from its images
  bool are_pages = false;                 ///< frames that do not follow each other in time
  std::atomic<bool> is_given_up = false;  ///< no more frames are wanted
};

/// One image on its way to the detector: a file's, which is still to be read, or a frame. A
/// video's frames are followed by one without a frame, for its end.
struct InputImage {
  std::filesystem::path path;
  std::string problem;  ///< the line that says why it cannot be worked on; empty if it may
  std::shared_ptr<Video> video = nullptr;
  std::optional<video::FrameStamp> frame = std::nullopt;
  Image image{};                        ///< of a frame
  std::vector<std::string> warnings{};  ///< lines about what was read around
  std::int64_t frames = 1;              ///< or pages that the image's file holds
  CaptureNotes notes{};                 ///< of an image's file
  std::shared_ptr<const std::vector<std::byte>> content{};  ///< of one that was read; else null

  bool is_end_of_video() const { return video != nullptr && !frame; }
};

struct SourceOptions {
  std::int64_t every = 1;  ///< frame of a video
  video::VideoOptions video;
  ReadOptions image = {};  ///< how the frames of images are read
  /// Whether an earlier run has done this frame.
  std::function<bool(const std::filesystem::path&, const video::FrameStamp&)> is_done;
  /// Whether videos must be done in one run, as they are written as videos.
  bool in_one_run = false;
  OptionSpelling spelling = {};  ///< of options in messages
};

/// The images that inputs lead to, one after the other; videos are decoded ahead on a thread of
/// their own. next() and expected() may be called from different threads.
class ImageSource {
 public:
  ImageSource(std::vector<Input> inputs, SourceOptions options);

  /// Nothing at the end, or when options.video.stop has turned true. What cannot be opened is an
  /// InputImage with a problem.
  std::optional<InputImage> next();

  /// How many images and frames there will be, as far as it is known by now; 0 if it is not.
  std::int64_t expected() const { return has_unknown_ ? 0 : expected_.load(); }
  bool has_videos() const { return has_videos_; }
  /// Whether it was stopped before its end.
  bool was_stopped() const { return was_stopped_; }

 private:
  bool stopped() const { return options_.video.stop != nullptr && *options_.video.stop; }
  void begin(const Input& input);
  void begin_video(const std::filesystem::path& path);
  void begin_image(const Input& input);
  /// Takes over the reader of a video's frames.
  template <typename Reader>
  void begin(std::shared_ptr<Video> video, Reader reader, std::int64_t frames);

  std::vector<Input> inputs_;
  const SourceOptions options_;
  std::size_t next_ = 0;
  std::unique_ptr<ReadAhead<InputImage>> video_;  // that is read
  std::atomic<std::int64_t> expected_;
  std::atomic<bool> has_unknown_ = false;
  std::atomic<bool> has_videos_ = false;
  std::atomic<bool> was_stopped_ = false;
};

}  // namespace retinaface::pipeline
