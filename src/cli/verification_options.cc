#include "cli/verification_options.h"

#include <fmt/format.h>

#include "base/counted.h"
#include "cli/tell.h"

namespace retinaface::cli {

evaluation::FaceEmbedder open_embedder(const VerificationOptions& options) {
  return {options.recognizer, options.cache, options.cache_mib << 20,
          [](const std::string& problem) { tell("retinaface: {}\n", problem); }};
}

void save(evaluation::FaceEmbedder& embedder) {
  if (!embedder.has_cache()) return;
  embedder.save();
  fmt::print("{} kept from before, {} computed\n\n", counted(embedder.kept(), "embedding"),
             embedder.computed());
}

Detector open_detector(const VerificationOptions& options, const std::string& model) {
  DetectionOptions of_model = options.detector;
  of_model.model = model;
  return load_detector(of_model);
}

std::string name_of(const std::string& model, const Detector& detector) {
  return model.empty() ? detector.info().name : display_name(model);
}

}  // namespace retinaface::cli
