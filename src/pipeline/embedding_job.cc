#include "pipeline/embedding_job.h"

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <system_error>
#include <utility>
#include <vector>

#include <unistd.h>

#include "base/check.h"
#include "base/cpu.h"
#include "base/file.h"
#include "base/ordered_pipeline.h"
#include "base/stream.h"
#include "image/codecs/image_name.h"
#include "pipeline/frames_left.h"
#include "pipeline/input_problem.h"
#include "pipeline/npy.h"
#include "pipeline/output_guard.h"
#include "pipeline/problem.h"
#include "pipeline/read_input.h"
#include "pipeline/result_file.h"
#include "pipeline/results.h"

namespace retinaface::pipeline {
namespace {

/// What was found in one image, or why nothing could be.
struct Outcome {
  ImageResult result;
  std::string problem;
  std::vector<std::string> warnings;
  std::int64_t frames = 1;
};

Outcome embed(const EmbeddingJob& job, const Detector& detector, const Recognizer& recognizer,
              const Input& input, const std::atomic<bool>& stop) {
  Outcome outcome;
  ImageResult& result = outcome.result;
  result.path = input.path;
  if (!input.problem.empty()) {
    outcome.problem = problem_line(input);
    return outcome;
  }
  outcome.problem = problem_of(input.path, [&] {
    if (leads_to_video(input.path)) {
      fail(ErrorCode::kUnsupported, "{}: expected an image, found a video", printable(input.path));
    }
    ReadOptions options;
    options.warn = [&](const std::string& line) { outcome.warnings.push_back(line); };
    const ReadInput read = read_input(input.path, input.content, options, 1, stop);
    const Image& image = read.decoded.image;
    outcome.frames = read.frames;
    std::vector<Face> faces = detector.detect(image, {.min_score = job.min_score});
    for (const Face& face : faces) {
      result.embeddings.push_back(recognizer.embed(image, face.landmarks));
    }
    result.faces = std::move(faces);
  });
  return outcome;
}

/// Where an output is a pipe, waits for its reader until `stop`, so that opening it waits no more.
class PipeReader {
 public:
  PipeReader(const std::filesystem::path& path, const std::atomic<bool>& stop) {
    std::error_code ignored;
    if (std::filesystem::is_fifo(path, ignored)) descriptor_ = open_for_writing(path, stop);
  }
  ~PipeReader() {
    if (descriptor_ >= 0) ::close(descriptor_);
  }
  PipeReader(const PipeReader&) = delete;
  PipeReader& operator=(const PipeReader&) = delete;

 private:
  int descriptor_ = -1;
};

/// Checks before any work that nothing is destroyed by what will be written.
void guard_output(const EmbeddingJob& job) {
  if (job.output.empty()) return;
  OutputGuard guard(job.overwrite, job.spelling);
  guard.reads_model(job.recognizer_name);
  guard.reads_model(job.model);
  for (const Input& input : job.inputs) guard.reads(input.path);
  guard.writes(job.output, OutputKind::kVectors);
}

}  // namespace

bool EmbeddingJob::writes_matrix() const {
  return lower_case_extension(output) == ".npy";
}

EmbeddingSummary run_embedding(const EmbeddingJob& job, const Detector& detector,
                               const Recognizer& recognizer, const EmbeddingEvents& events,
                               const std::atomic<bool>& stop) {
  guard_output(job);
  const bool matrix = job.writes_matrix();
  const bool writes_lines = !job.output.empty() && !matrix;
  std::vector<float> rows;
  std::string lines;
  EmbeddingSummary summary;
  FramesLeft frames_left;
  bool was_stopped = false;
  const auto take = [&](const Outcome& outcome) {
    if (events.message) std::ranges::for_each(outcome.warnings, events.message);
    // A pipe that was waited for when the job was asked to end.
    was_stopped |= !outcome.problem.empty() && stop;
    ++summary.done;
    if (!outcome.problem.empty()) {
      ++summary.failed;
      if (events.message) events.message(outcome.problem);
    } else {
      frames_left.note(outcome.result.path, outcome.frames);
    }
    const ImageResult& result = outcome.result;
    for (std::size_t i = 0; i < result.faces.size(); ++i, ++summary.faces) {
      const std::string line =
          face_to_json(result, i, matrix ? std::optional(summary.faces) : std::nullopt);
      if (writes_lines) {
        lines += line + "\n";
      } else if (events.line) {
        events.line(line);
      }
      if (matrix) rows.insert(rows.end(), result.embeddings[i].begin(), result.embeddings[i].end());
    }
  };
  std::size_t next = 0;
  run_in_order(
      thread_count(job.threads),
      [&] {
        return next < job.inputs.size() && !stop ? std::optional(&job.inputs[next++])
                                                 : std::nullopt;
      },
      [&](const Input* input) { return embed(job, detector, recognizer, *input, stop); }, take);
  summary.frames_left = frames_left.line();
  summary.was_interrupted = was_stopped || summary.done < job.inputs.size();
  const bool is_worth_it = !summary.was_interrupted && summary.failed < summary.done;
  if (!is_worth_it && holds_anything(job.output)) {
    if (events.message) events.message(kept_line(job.output, summary.was_interrupted));
    return summary;
  }
  const PipeReader reader(job.output, stop);
  if (matrix) {
    write_file_atomically(job.output,
                          npy_matrix(rows, static_cast<std::size_t>(recognizer.embedding_size())));
  } else if (writes_lines) {
    write_file_atomically(job.output, lines);
  }
  return summary;
}

}  // namespace retinaface::pipeline
