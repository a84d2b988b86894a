#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "retinaface/recognizer.h"

#include "base/counted.h"
#include "base/file.h"
#include "cli/backend_option.h"
#include "cli/command.h"
#include "cli/input_addresses.h"
#include "cli/interruption.h"
#include "cli/left_inputs.h"
#include "cli/option_spelling.h"
#include "cli/overwrite_option.h"
#include "cli/tell.h"
#include "cli/threads_option.h"
#include "cli/values.h"
#include "image/codecs/image_name.h"
#include "pipeline/embedding_job.h"
#include "pipeline/inputs.h"
#include "pipeline/output_guard.h"
#include "pipeline/result_file.h"

namespace retinaface::cli {
namespace {

int embed(const std::vector<std::string>& arguments, pipeline::EmbeddingJob job) {
  if (job.output == pipeline::kStandardStream) job.output.clear();
  if (!job.output.empty() && !job.writes_matrix() && lower_case_extension(job.output) != ".jsonl") {
    throw UsageError(fmt::format("--output: expected a name that ends in .npy or .jsonl, found {}",
                                 printable(job.output)));
  }
  pipeline::LeftOut left_out;
  job.inputs = pipeline::find_inputs(arguments, {}, &left_out);
  if (job.output.empty()) pipeline::OutputGuard::check_standard_output(job.inputs);
  explain_addresses(job.inputs, false);
  const Recognizer recognizer(job.recognizer_name);
  const Detector detector = open_detector(job.model, {});
  const pipeline::EmbeddingEvents events = {
      .line = [](const std::string& line) { fmt::print("{}\n", line); },
      .message = [](const std::string& line) { tell("retinaface: {}\n", line); }};
  const pipeline::EmbeddingSummary summary =
      pipeline::run_embedding(job, detector, recognizer, events, end_cleanly_when_interrupted());
  tell_what_was_left(left_out, summary.frames_left);
  if (summary.was_interrupted) {
    tell("retinaface: interrupted; {} of {} were done\n", counted(summary.done, "image"),
         job.inputs.size());
    return kInterrupted;
  }
  return summary.failed > 0 ? kSomeFailed : kSuccess;
}

}  // namespace

Action declare_embed(CLI::App& app) {
  const auto inputs = std::make_shared<std::vector<std::string>>();
  const auto job = std::make_shared<pipeline::EmbeddingJob>();
  job->spelling = kOptionSpelling;
  app.add_option("INPUT", *inputs, "images, or folders of them")->required();
  app.add_option("--recognizer", job->recognizer_name,
                 "model file of a recogniser (retinaface import); none is built in")
      ->required();
  app.add_option("--model", job->model, "the detector: name of a model, or a .safetensors file");
  app.add_option(
      "-o,--output", job->output,
      "write the vectors to this file: .jsonl, a line of JSON for each face; .npy, a row "
      "of a float32 matrix for each, the lines then going to standard output without them "
      "(default, or -: lines on standard output)");
  app.add_option("--min-score", job->min_score, "faces with a lower score are left out")
      ->check(number(0, 1))
      ->capture_default_str();
  add_threads_option(app, job->threads, "images worked on at once");
  add_overwrite_option(app, job->overwrite);
  return [inputs, job] { return embed(*inputs, *job); };
}

}  // namespace retinaface::cli
