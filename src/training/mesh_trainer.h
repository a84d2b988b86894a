#pragma once

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "dataset/mesh_label.h"
#include "graph/weights.h"
#include "models/load_model.h"
#include "training/mesh_loss.h"
#include "training/mesh_recipe.h"

namespace retinaface::training {

/// On faces that were not learnt.
struct MeshFigures {
  std::size_t faces = 0;  ///< that the detector found
  double nme_51 = 0;      ///< mean distance of the 51 inner points, % of sqrt(w h)
  double nme_five = 0;    ///< of the five
  double pixel = 0;       ///< L_pixel
};

struct MeshProgress {
  std::string stage;  ///< of the recipe, or what is prepared
  int epoch = 0;      ///< from 1; 0 while samples are made
  int epochs = 0;
  std::size_t done = 0;  ///< images, while samples are made
  std::size_t of = 0;
  MeshLossTerms loss{};  ///< mean of the epoch
  MeshFigures figures{};
};

struct MeshTrainingOptions {
  std::filesystem::path out;     ///< folder
  std::filesystem::path images;  ///< that the labels' names start from
  std::uint64_t seed = 1;
  int threads = 1;
  bool resume = false;
  const std::atomic<bool>* stop = nullptr;  ///< ends the run after an epoch
  std::function<void(const MeshProgress&)> progress;
};

struct MeshTrainingResult {
  bool finished = false;
  MeshFigures figures;
};

/// Trains the head of the mesh branch on a detector that stays as it is, and writes
/// OUT/last.safetensors: the detector's file with the branch, its decoder taken from `decoder` (the
/// tensors of mesh::Decoder). After each epoch a checkpoint, OUT/checkpoint.safetensors, and a line
/// of OUT/metrics.jsonl. Labels with is_test are not learnt; the figures are of those. Throws
/// Error.
MeshTrainingResult train_mesh(const MeshRecipe& recipe, const models::LoadedModel& model,
                              const graph::Weights& decoder,
                              std::span<const dataset::MeshLabel> labels,
                              const MeshTrainingOptions& options);

}  // namespace retinaface::training
