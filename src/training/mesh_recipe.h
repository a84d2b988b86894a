#pragma once

#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "training/mesh_loss.h"

namespace retinaface::training {

/// A part of a run on the mesh branch.
struct MeshStage {
  int epochs = 1;
  float learning_rate = 1e-3F;  ///< at its start; falls to a fiftieth by a cosine
  friend bool operator==(const MeshStage&, const MeshStage&) = default;
};

/// Everything that decides what a training run of the mesh branch computes, except the data, the
/// seed, the detector and the decoder. doc/mesh.md explains each key.
struct MeshRecipe {
  int batch = 64;
  int variants = 6;  ///< of each face: other sizes, places, turns, mirrored
  float min_face_px = 20;
  float max_face_px = 320;
  float turn_degrees = 20;
  float cut = 0;           ///< share of the variants whose face the image's edge cuts
  bool all_points = true;  ///< learn the labels' 68 points, not the five alone
  float weight_decay = 1e-4F;
  MeshLossOptions loss;
  // In turn. Geometry waits until the colors fit.
  MeshStage points;  ///< by points and priors: nothing is rendered
  MeshStage colors;  ///< L_pixel moves texture and light alone
  MeshStage all;     ///< and geometry, by pixel_to_geometry
};

/// Whether the file is a recipe for the mesh branch: has a table [mesh]. Throws as
/// read_mesh_recipe.
bool is_mesh_recipe(const std::filesystem::path& path);

/// As read_recipe.
MeshRecipe read_mesh_recipe(const std::filesystem::path& path,
                            std::span<const std::string> changes = {});

/// All keys and values: two recipes are the same when their texts are.
std::string to_toml(const MeshRecipe& recipe);

}  // namespace retinaface::training
