#pragma once

#include <cstdint>
#include <filesystem>
#include <vector>

#include "dataset/loader.h"
#include "evaluation/validation.h"
#include "training/recipe.h"

namespace retinaface::training {

/// What a report is about.
struct ReportedRun {
  std::filesystem::path folder;  ///< where train has left its results
  Recipe recipe;
  std::vector<dataset::TrainingSet> sets;
  std::uint64_t seed = 1;
  const evaluation::ValidationSet* validation = nullptr;  ///< null without one
};

/// Writes FOLDER/report/: index.html with the run's figures, its curves, and some images of
/// training and validation with their targets and what the best weights find. Without gnuplot the
/// page says that the curves are missing. Returns the page's path. Throws Error.
std::filesystem::path write_training_report(const ReportedRun& run);

}  // namespace retinaface::training
