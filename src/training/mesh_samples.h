#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <span>
#include <vector>

#include "retinaface/detector.h"

#include "dataset/mesh_label.h"
#include "training/mesh_loss.h"
#include "training/mesh_recipe.h"

namespace retinaface::training {

/// What the head sees of a face at one anchor of the frozen detector, and what it has to say.
struct MeshSample {
  std::size_t kind = 0;         ///< of the anchor
  std::vector<float> input;     ///< context features, then mesh::face_values
  std::array<Point, 5> five{};  ///< in the frame, whose side counts 1
  std::optional<std::array<Point, 68>> points;
  std::vector<mesh::Vector> vertices;  ///< as MeshTarget has them
  std::vector<std::uint8_t> crop;      ///< kMeshCropSide^2, RGB
  float face_size = 0;                 ///< sqrt(w h) of the label's box, shares of the frame's side

  MeshTarget target() const { return {crop, five, points, vertices}; }
};

/// What the head sees of `face`, as the detector has it in pixels of the image, at an anchor of
/// that kind; the truth are its five points. Without points of other kinds, and face_size.
MeshSample mesh_sample(const ImageView& image, const Face& face, std::size_t kind,
                       std::span<const float> features, const Landmarks& five);

struct MeshSampleOptions {
  std::filesystem::path images;  ///< folder that the labels' names start from
  int variants = 1;
  /// The faces as they are, at their own size and place, one variant: to judge by.
  bool plain = false;
  /// Samples get all vertices: those of labels that have them, of others what fits the 68 points
  /// best (fit_points). Null: none do.
  const mesh::Decoder* decoder = nullptr;
  std::uint64_t seed = 1;
  int threads = 1;
  std::function<void(std::size_t done, std::size_t of)> progress;
};

/// Runs the detector, which does not change, on variants of the labelled faces: what it takes is
/// done once. A face yields for each variant the sample of the best anchor that found it (IoU 0.5)
/// and that of another one, if there is one. Samples in the order of the labels, the same for any
/// number of threads. Throws what reading an image throws.
std::vector<MeshSample> make_mesh_samples(const Detector& detector,
                                          std::span<const dataset::MeshLabel> labels,
                                          const MeshRecipe& recipe,
                                          const MeshSampleOptions& options);

}  // namespace retinaface::training
