#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "pipeline/detection_job.h"
#include "pipeline/face_selection.h"
#include "pipeline/image_source.h"
#include "pipeline/result_file.h"
#include "pipeline/results.h"

namespace retinaface::pipeline {

/// What became of one image.
struct Outcome {
  InputImage image;  ///< with a problem, if nothing was detected
  std::optional<DetectedFaces> detection = std::nullopt;
  FaceImages faces{};            ///< of a frame, to be written when it has its tracks
  bool was_interrupted = false;  ///< the problem is, or may be, that the job was asked to end
  std::vector<Face> faint{};     ///< faces too faint for the result that carry a track on
};

/// Takes the outcomes in order: follows faces through videos, writes results and annotated videos,
/// tells errors and progress.
class DetectionReport {
 public:
  /// All must outlive the report. `inputs` are still to be done.
  DetectionReport(const DetectionJob& job, const DetectionEvents& events, ResultFile& file,
                  const ImageSource& source, std::size_t inputs);
  ~DetectionReport();

  void take(Outcome outcome);

  /// Ends what is begun.
  DetectionSummary finish();

 private:
  struct VideoInWork;

  /// Gives the faces of a frame their tracks.
  void follow(Outcome& outcome);
  std::string write(const ImageResult& result);
  void write_frame(Outcome& outcome);
  void end_video(const InputImage& image);
  void tell(const std::string& problem);
  void show_progress();

  const DetectionJob& job_;
  const DetectionEvents& events_;
  const ResultFile& file_;
  const ImageSource& source_;
  std::unique_ptr<ResultWriter> writer_;
  const bool has_many_inputs_;
  std::unique_ptr<VideoInWork> video_;
  DetectionSummary summary_;
  bool was_interrupted_ = false;
};

}  // namespace retinaface::pipeline
