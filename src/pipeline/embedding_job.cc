#include "pipeline/embedding_job.h"

#include <optional>
#include <utility>

#include "base/check.h"
#include "base/cpu.h"
#include "base/file.h"
#include "base/ordered_pipeline.h"
#include "image/codecs/image_name.h"
#include "pipeline/input_problem.h"
#include "pipeline/npy.h"
#include "pipeline/output_guard.h"
#include "pipeline/problem.h"
#include "pipeline/results.h"

namespace retinaface::pipeline {
namespace {

/// What was found in one image, or why nothing could be.
struct Outcome {
  ImageResult result;
  std::string problem;
};

Outcome embed(const EmbeddingJob& job, const Detector& detector, const Recognizer& recognizer,
              const Input& input) {
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
    const Image image = read_image(input.path);
    std::vector<Face> faces = detector.detect(image, {.min_score = job.min_score});
    for (const Face& face : faces) {
      result.embeddings.push_back(recognizer.embed(image, face.landmarks));
    }
    result.faces = std::move(faces);
  });
  return outcome;
}

/// Checks before any work that nothing is destroyed by what will be written.
void guard_output(const EmbeddingJob& job) {
  if (job.output.empty()) return;
  OutputGuard guard(job.overwrite);
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
  const auto take = [&](const Outcome& outcome) {
    ++summary.done;
    if (!outcome.problem.empty()) {
      ++summary.failed;
      if (events.message) events.message(outcome.problem);
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
      [&](const Input* input) { return embed(job, detector, recognizer, *input); }, take);
  if (matrix) {
    write_file_atomically(job.output,
                          npy_matrix(rows, static_cast<std::size_t>(recognizer.embedding_size())));
  } else if (writes_lines) {
    write_file_atomically(job.output, lines);
  }
  summary.was_interrupted = summary.done < job.inputs.size();
  return summary;
}

}  // namespace retinaface::pipeline
