#pragma once

#include <filesystem>

#include "training/trainer.h"

namespace retinaface::cli {

/// Judges weights on the pictures of a folder, at original size: AP in percent. The folder holds
/// images/ and either label.txt ("ap"), or beside it ground_truth/ with WIDER FACE's files ("easy",
/// "medium", "hard"; what decides is their mean, which comes first). `scratch` is a file that may
/// be written over. Throws Error as reading those does.
training::Validation make_validation(const std::filesystem::path& folder,
                                     const std::filesystem::path& scratch, int threads);

}  // namespace retinaface::cli
