#pragma once

#include <cstddef>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "dataset/mesh_label.h"
#include "evaluation/detection_mode.h"
#include "evaluation/mesh_error.h"

namespace retinaface::evaluation {

// What a detector's meshes are worth against what is known of the faces.

/// Labels of one image.
using MeshLabelsOfImage = std::vector<dataset::MeshLabel>;

/// Every n-th of the labels, the first included, in their order: neighbours of one image together.
/// Those that are not there to judge by are passed over, unless `all` of them are wanted.
std::vector<MeshLabelsOfImage> chosen_labels(std::vector<dataset::MeshLabel> labels, bool all,
                                             int every);

struct JudgedMeshes {
  /// By label, from an IoU of 0.5 on; none where no face is found.
  std::vector<std::optional<MeshError>> errors = {};
  std::string problem = {};  ///< of the image, of which no face is judged then
};

/// Judges the meshes that `find` gives the faces of one image, which is read below `folder`. What
/// is wrong with the image is a problem; any other Error is thrown.
JudgedMeshes judge_meshes(const MeshLabelsOfImage& labels, const std::filesystem::path& folder,
                          const FindFaces& find);

}  // namespace retinaface::evaluation
