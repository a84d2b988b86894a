#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "pipeline/detect_faces.h"
#include "pipeline/detection_job.h"
#include "pipeline/earlier_run.h"
#include "pipeline/frames_left.h"
#include "pipeline/image_source.h"
#include "pipeline/result_file.h"
#include "pipeline/results.h"
#include "pipeline/scene_signature.h"
#include "pipeline/video_tracks.h"

namespace retinaface::pipeline {

/// What became of one image.
struct Outcome {
  InputImage image;  ///< with a problem, if nothing was detected
  std::optional<DetectedFaces> detection = std::nullopt;
  FaceImages faces{};            ///< of a frame, to be written when it has its tracks
  bool was_interrupted = false;  ///< the problem is, or may be, that the job was asked to end
  std::optional<SceneSignature> scene = std::nullopt;  ///< of a frame
  VideoTracks::Frame tracks{};                         ///< the same, once the report has it
};

/// Takes the outcomes in order: gives frames their tracks (VideoTracks), writes results, images and
/// videos (AnnotatedVideo), tells errors and progress.
class DetectionReport {
 public:
  /// All must outlive the report. `inputs` are still to be done.
  DetectionReport(const DetectionJob& job, const DetectionEvents& events, ResultFile& file,
                  const EarlierRun& earlier, const ImageSource& source, std::size_t inputs);
  ~DetectionReport();

  void take(Outcome outcome);

  /// Ends what is begun.
  DetectionSummary finish();

 private:
  struct VideoInWork;

  /// Gives the faces of a frame their tracks.
  void follow(Outcome& outcome);
  /// Removes what an earlier run wrote of a video that is begun from its first frame.
  void begin_outputs(const InputImage& image);
  /// No more of the frame's video is done.
  void give_up(const InputImage& frame);
  std::string write(const ImageResult& result);
  void write_frame(Outcome& outcome);
  void end_video(const InputImage& image);
  void tell(const std::string& problem);
  void show_progress();

  const DetectionJob& job_;
  const DetectionEvents& events_;
  const ResultFile& file_;
  const EarlierRun& earlier_;
  const ImageSource& source_;
  std::unique_ptr<ResultWriter> writer_;
  const bool has_many_inputs_;
  std::unique_ptr<VideoInWork> video_;
  DetectionSummary summary_;
  bool was_interrupted_ = false;
  FramesLeft frames_left_;
};

}  // namespace retinaface::pipeline
