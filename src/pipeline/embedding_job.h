#pragma once

#include <atomic>
#include <cstddef>
#include <functional>
#include <string>
#include <vector>

#include "retinaface/detector.h"
#include "retinaface/recognizer.h"

#include "pipeline/inputs.h"
#include "pipeline/option_spelling.h"

namespace retinaface::pipeline {

/// Images whose faces are to be embedded, and where the vectors go.
struct EmbeddingJob {
  std::vector<Input> inputs;    ///< find_inputs makes them
  std::string model;            ///< what the detector was loaded by
  std::string recognizer_name;  ///< what the recogniser was loaded by
  float min_score = DetectOptions::kDefaultMinScore;
  /// File for the vectors: .npy, a row of a float32 matrix for each face; any other, a line of JSON
  /// for each (face_to_json). Empty: EmbeddingEvents::line alone has them.
  std::string output;
  bool overwrite = false;   ///< a file may be replaced that this program did not write
  int threads = 0;          ///< images worked on at once; 0: core_count()
  OptionSpelling spelling;  ///< of options in messages

  bool writes_matrix() const;
};

/// Who wants to know what a job finds; each may be empty. Called by one thread at a time.
struct EmbeddingEvents {
  /// Each face's line (face_to_json), in the order of the inputs, unless the file has it: with the
  /// vector or, of a matrix, its row.
  std::function<void(const std::string& line)> line;
  /// One line about what went wrong or is worth a warning.
  std::function<void(const std::string& line)> message;
};

/// How a job ended.
struct EmbeddingSummary {
  std::size_t done = 0;          ///< inputs, the failed ones among them
  std::size_t failed = 0;        ///< inputs, each told by EmbeddingEvents::message
  std::size_t faces = 0;         ///< that were embedded
  bool was_interrupted = false;  ///< by `stop`, before its end
  std::string frames_left;       ///< a line about images of which one frame of several was read
};

/// Does a job: finds the faces of each image and embeds them; the file is written at the end, as a
/// whole. Where `stop` turns true, ends after what is under way and writes what there is, but keeps
/// the vectors of an earlier run, as it does where no input could be read; one message says so.
/// Throws Error before any work where the file would destroy what is not its own; then where it
/// cannot be written. What is wrong with one input is told and counted, and the others go on.
EmbeddingSummary run_embedding(const EmbeddingJob& job, const Detector& detector,
                               const Recognizer& recognizer, const EmbeddingEvents& events,
                               const std::atomic<bool>& stop);

}  // namespace retinaface::pipeline
