#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace retinaface::cli {

/// What `retinaface train` was told for a recipe of the mesh branch.
struct MeshTrainingRequest {
  std::string recipe;
  std::vector<std::string> changes;
  std::vector<std::string> data;  ///< one file of labels
  std::string images;             ///< empty: the folder of the labels
  std::string decoder;
  std::string init;
  std::string out;
  std::uint64_t seed = 1;
  int threads = 1;
  bool resume = false;
};

/// Both return the exit code.
int train_mesh_branch(const MeshTrainingRequest& request);
/// For a recipe with a table [decoder]; `data` is one file of samples.
int train_mesh_decoder(const MeshTrainingRequest& request);

}  // namespace retinaface::cli
