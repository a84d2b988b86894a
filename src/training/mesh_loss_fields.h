#pragma once

#include "training/mesh_loss.h"

namespace retinaface::training {

/// The keys of a recipe that weigh L_pixel, the five points and the priors; Fields is what reads or
/// writes them (recipe_table.h, recipe.cc).
template <typename Fields>
void mesh_loss_fields(Fields& table, MeshLossOptions& loss) {
  constexpr double kMany = 1e6;
  table.number("pixel_weight", loss.pixel_weight, 0, kMany);
  table.number("pixel_to_geometry", loss.pixel_to_geometry, 0, kMany);
  table.number("five_weight", loss.five_weight, 0, kMany);
  table.number("shape_prior", loss.shape_prior, 0, kMany);
  table.number("texture_prior", loss.texture_prior, 0, kMany);
  table.number("pose_prior", loss.pose_prior, 0, kMany);
}

}  // namespace retinaface::training
