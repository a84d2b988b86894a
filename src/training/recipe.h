#pragma once

#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "dataset/augmentation.h"
#include "graph/tensor.h"
#include "training/distillation.h"
#include "training/joint_mesh.h"
#include "training/loss.h"
#include "training/matching.h"
#include "training/optimizer.h"
#include "training/schedule.h"

namespace retinaface::training {

/// Everything that decides what a training run computes, except the data and the seed. Recipes hold
/// no paths. doc/training.md explains each key of the files.
struct Recipe {
  std::string model = "mnet025";
  int side_px = 640;   ///< of the square that the network is shown
  int batch = 32;      ///< images a step, over all processes
  int accumulate = 1;  ///< parts of a process's share of the batch, which the network sees in turn
  dataset::AugmentationOptions augmentation;
  MatchingOptions matching;
  LossOptions loss;
  DistillationOptions distillation;  ///< for runs with a teacher
  JointMeshOptions branch;           ///< the mesh branch, trained with the network
  OptimizerOptions optimizer;
  ScheduleOptions schedule;
  /// Decay per step of the moving average of the weights, which is what is validated and saved; 0
  /// for none.
  float average_decay = 0;
  std::vector<std::string> frozen;  ///< prefixes of parameters that keep their values
  bool frozen_statistics = false;   ///< normalisation uses its running statistics throughout
  int validate_every_epochs = 1;
  /// float32 or bfloat16, as TrainableOptions::type.
  graph::DataType arithmetic = graph::DataType::kFloat32;
  bool recompute = false;  ///< maps are computed again for the backward pass, which saves memory
};

/// Reads a recipe (TOML). What a file leaves out keeps the value above; a key that no recipe has is
/// an error, so that a slip of the pen does not train with the default. Each of `changes`, such as
/// "schedule.epochs = 3", puts another value in the place of the file's. Throws Error: kNotFound,
/// kUnreadable, or kBadData with file and line, or the change.
Recipe read_recipe(const std::filesystem::path& path, std::span<const std::string> changes = {});

/// The file that `given` means: itself, if there is one; else "NAME", "NAME.toml" or
/// "recipes/NAME.toml" among the recipes that come with the program (recipes/ beside each of
/// models::model_folders()). Throws Error(kNotFound) that lists those.
std::filesystem::path find_recipe(const std::filesystem::path& given);

/// The same from text; `name` stands in for the path in messages.
Recipe parse_recipe(const std::string& text, const std::string& name,
                    std::span<const std::string> changes = {});

/// All keys and values of a recipe, those too that its file left out: parse_recipe of it is the
/// same recipe, and two recipes are the same when their texts are.
std::string to_toml(const Recipe& recipe);

}  // namespace retinaface::training
