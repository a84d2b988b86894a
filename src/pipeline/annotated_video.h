#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "pipeline/hidden_tracks.h"
#include "pipeline/image_outputs.h"
#include "pipeline/image_source.h"
#include "pipeline/results.h"
#include "video/video_writer.h"

namespace retinaface::pipeline {

/// Writes one video with its faces drawn or hidden.
class AnnotatedVideo {
 public:
  struct Frame {
    Image image;
    double time_s = 0;
    ImageResult result;
    std::vector<HiddenTracks::Sighting> sightings;  ///< of what is hidden
    bool starts_scene = false;
  };

  /// Where it `looks_around`, frames wait for those after them: a face that is hidden must not be
  /// bare in the frames in which it is hard to see. `message` is told what is left out, with
  /// options as `name` spells them; may be empty. `outputs` must outlive it.
  AnnotatedVideo(const ImageOutputs& outputs, std::shared_ptr<const Video> video, bool looks_around,
                 std::function<void(const std::string&)> message, const OptionSpelling& name = {});

  /// Takes the next frame. Throws Error or std::filesystem::filesystem_error where it, or one that
  /// waited, cannot be written.
  void add(Frame frame);

  /// Writes the frames that still wait, and the end of the file; nothing where there was no frame.
  /// The sound of a video that was not read to its end stops with its last frame. Throws as add().
  void finish(bool is_whole);

 private:
  void release(bool all);
  void write(Frame& frame, const std::vector<Box>& hidden);
  void open(const Image& first);

  const ImageOutputs& outputs_;
  std::shared_ptr<const Video> video_;
  bool looks_around_;
  std::function<void(const std::string&)> message_;
  OptionSpelling name_;
  HiddenTracks hidden_;
  std::deque<Frame> waiting_;  ///< not yet written, the last ones of `hidden_`
  std::unique_ptr<video::VideoWriter> writer_;
};

}  // namespace retinaface::pipeline
