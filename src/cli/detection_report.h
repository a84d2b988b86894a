#pragma once

#include <cstddef>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "cli/detect_options.h"
#include "cli/picture_source.h"
#include "cli/progress.h"
#include "cli/result_file.h"
#include "cli/results.h"
#include "tracking/tracker.h"
#include "video/film_writer.h"

namespace retinaface::cli {

/// What became of one picture.
struct Outcome {
  Picture picture;  ///< with a problem, if there is no result
  std::optional<PictureResult> result = std::nullopt;
  std::vector<Face> found{};          ///< of a frame: all faces, faint ones as well
  std::vector<std::size_t> wanted{};  ///< those of them that are in the result
  std::vector<Face> faint{};  ///< those of them that are too faint for it, but carry a track on
};

/// Takes the outcomes in order: follows faces through films, writes results and annotated films,
/// tells errors and progress.
class DetectionReport {
 public:
  /// All must outlive the report.
  DetectionReport(const DetectCommandOptions& options, const ResultFile& file,
                  const PictureSource& source, std::size_t inputs);
  ~DetectionReport();

  void take(Outcome outcome);

  /// Ends what is begun; returns the exit code.
  int finish();

 private:
  struct FilmInWork;

  /// Gives the faces of a frame their tracks.
  void follow(Outcome& outcome);
  std::string write(const PictureResult& result);
  void write_frame(Outcome& outcome);
  void end_film(const Picture& picture);
  void tell(const std::string& problem);
  void show_progress();
  std::string counted() const;

  const DetectCommandOptions& options_;
  const std::filesystem::path out_;
  const ResultFile& file_;
  const PictureSource& source_;
  std::unique_ptr<ResultWriter> writer_;
  const bool may_show_progress_;
  const bool has_many_inputs_;
  ProgressLine progress_{"detecting"};
  std::unique_ptr<FilmInWork> film_;
  std::size_t done_ = 0;
  std::size_t failed_ = 0;
  std::size_t faces_ = 0;
  double ms_ = 0;
};

}  // namespace retinaface::cli
