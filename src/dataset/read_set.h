#pragma once

#include <filesystem>

#include "dataset/loader.h"

namespace retinaface::dataset {

/// A folder with label.txt and the folder images/ that its paths start from. The labels are
/// RetinaFace's (label_txt.h) or points alone (point_label.h), told apart by their first line.
/// Throws Error as those do.
TrainingSet read_training_set(const std::filesystem::path& folder);

}  // namespace retinaface::dataset
