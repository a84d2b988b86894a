#pragma once

#include <cstddef>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "cli/detect_options.h"
#include "cli/image_source.h"
#include "cli/progress.h"
#include "cli/result_file.h"
#include "cli/results.h"
#include "tracking/tracker.h"
#include "video/video_writer.h"

namespace retinaface::cli {

/// What became of one image.
struct Outcome {
  InputImage image;  ///< with a problem, if there is no result
  std::optional<ImageResult> result = std::nullopt;
  std::vector<Face> found{};          ///< of a frame: all faces, faint ones as well
  std::vector<std::size_t> wanted{};  ///< those of them that are in the result
  bool was_interrupted = false;       ///< the problem is, or may be, that the run was asked to end
  std::vector<Face> faint{};  ///< those of them that are too faint for it, but carry a track on
};

/// Takes the outcomes in order: follows faces through videos, writes results and annotated videos,
/// tells errors and progress.
class DetectionReport {
 public:
  /// All must outlive the report.
  DetectionReport(const DetectCommandOptions& options, const ResultFile& file,
                  const ImageSource& source, std::size_t inputs);
  ~DetectionReport();

  void take(Outcome outcome);

  /// Ends what is begun; returns the exit code.
  int finish();

 private:
  struct VideoInWork;

  /// Gives the faces of a frame their tracks.
  void follow(Outcome& outcome);
  std::string write(const ImageResult& result);
  void write_frame(Outcome& outcome);
  void end_video(const InputImage& image);
  void tell(const std::string& problem);
  void show_progress();
  std::string counted() const;

  const DetectCommandOptions& options_;
  const std::filesystem::path out_;
  const ResultFile& file_;
  const ImageSource& source_;
  std::unique_ptr<ResultWriter> writer_;
  const bool may_show_progress_;
  const bool has_many_inputs_;
  ProgressLine progress_{"detecting"};
  std::unique_ptr<VideoInWork> video_;
  std::size_t done_ = 0;
  std::size_t failed_ = 0;
  bool was_interrupted_ = false;
  std::size_t faces_ = 0;
  double ms_ = 0;
};

}  // namespace retinaface::cli
