#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "base/counted.h"
#include "cli/backend_option.h"
#include "cli/interruption.h"
#include "cli/progress.h"
#include "cli/verification_options.h"
#include "evaluation/plot.h"
#include "evaluation/verification_report.h"

namespace retinaface::cli {
namespace {

/// Embeds with the points that the detector finds, with a line of progress.
evaluation::TemplateJudgement judge(const VerificationOptions& options, const std::string& model,
                                    const evaluation::TemplateList& templates,
                                    evaluation::FaceEmbedder& embedder) {
  const Detector detector = open_detector(options, model);
  const auto find = [&](const Image& image) {
    return evaluation::detect(detector, image, mode_of(options.detector), options.detector.detect);
  };
  ProgressLine progress("embedding");
  evaluation::TemplateJudgement judgement = evaluation::judge_templates(
      name_of(model, detector), options.pairs, templates, options.images, find, embedder,
      {.threads = thread_count(options.detector),
       .stop = &end_cleanly_when_interrupted(),
       .progress = [&](std::size_t done, std::size_t of) { progress.show(done, of); }});
  progress.hide();
  print_differences(detector);
  return judgement;
}

}  // namespace

int evaluate_templates(const VerificationOptions& options) {
  const evaluation::TemplateList templates =
      evaluation::read_templates({options.templates.begin(), options.templates.end()});
  if (options.images.empty()) {
    throw UsageError("--images: expected the folder of the lists' images");
  }
  evaluation::FaceEmbedder embedder = open_embedder(options);
  print_table(options.figures, "{} in {}\n\n", counted(templates.faces.size(), "face"),
              counted(templates.templates.size(), "template"));
  print_table(options.figures, "{}", evaluation::format_template_head());
  std::vector<evaluation::TemplateJudgement> judgements;
  for (const std::string& model :
       options.models.empty() ? std::vector<std::string>{""} : options.models) {
    judgements.push_back(judge(options, model, templates, embedder));
    print_table(options.figures, "{}", evaluation::format_templates(judgements.back()));
  }
  save(embedder);
  write_json(options.figures, evaluation::to_json(judgements));
  if (!options.figures.curves.empty()) {
    const evaluation::Diagram diagram = evaluation::templates_diagram(judgements);
    evaluation::draw_diagrams(options.figures.curves, std::span(&diagram, 1));
  }
  return kSuccess;
}

}  // namespace retinaface::cli
