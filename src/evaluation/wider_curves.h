#pragma once

#include <filesystem>
#include <span>
#include <string>

#include "evaluation/wider_evaluation.h"

namespace retinaface::evaluation {

/// A detector's results under the name that stands in a legend.
struct NamedReport {
  std::string name;
  const WiderReport* report = nullptr;
};

/// Draws precision over recall for easy, medium and hard side by side, one line per detector, as
/// figure 5 of the RetinaFace paper does: the legends have "NAME-AP" by falling AP, and a detector
/// has one color throughout.
/// Throws Error as draw_diagrams.
void draw_wider_curves(const std::filesystem::path& path, std::span<const NamedReport> reports);

}  // namespace retinaface::evaluation
