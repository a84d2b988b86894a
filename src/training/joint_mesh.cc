#include "training/joint_mesh.h"

#include <algorithm>
#include <array>

#include "base/check.h"
#include "base/parallel.h"
#include "detection/head_coding.h"
#include "geometry/box.h"
#include "training/matching.h"
#include "training/mesh_samples.h"

namespace retinaface::training {
namespace {

/// Of the box that the network says and the label's: with less the frame is another face's.
constexpr float kMinIou = 0.5F;

std::size_t kinds_of(const models::AnchorFamily& family) {
  std::size_t kinds = 0;
  for (const models::AnchorLevel& level : family.levels) kinds += level.sizes_px.size();
  return kinds;
}

graph::Weights decoder_part(const graph::Weights& branch) {
  graph::Weights decoder;
  for (const auto& [name, tensor] : branch.tensors) {
    if (!name.starts_with("mesh.head.")) decoder.tensors.emplace(name, tensor.clone());
  }
  return decoder;
}

}  // namespace

JointMesh::JointMesh(const graph::Weights& branch, const models::Model& model, std::size_t features,
                     const JointMeshOptions& options, int threads, const std::string& source)
    : model_(model),
      features_(features),
      options_(options),
      threads_(threads),
      decoder_tensors_(decoder_part(branch)),
      decoder_(branch, source),
      losses_(static_cast<std::size_t>(std::max(threads, 1)), MeshLoss(decoder_)),
      head_(branch, kinds_of(model.detector().anchors), features, source),
      gradients_(head_.values().size()) {}

std::vector<JointMesh::Place> JointMesh::places(std::span<const ImageTarget> targets,
                                                std::int64_t side) const {
  const models::AnchorFamily& family = model_.detector().anchors;
  std::vector<Place> chosen;
  for (std::size_t n = 0; n < targets.size(); ++n) {
    const ImageTarget& target = targets[n];
    std::vector<std::vector<Place>> by_face(target.faces.size());
    std::size_t anchor = 0;
    std::size_t first_kind = 0;  // of the level
    for (std::size_t level = 0; level < family.levels.size(); ++level) {
      const models::AnchorLevel& row = family.levels[level];
      const detection::Grid grid = detection::grid_of(row, side, side);
      const std::size_t per_cell = row.sizes_px.size();
      const auto width = static_cast<std::size_t>(grid.width);
      const std::size_t count = static_cast<std::size_t>(grid.height) * width * per_cell;
      for (std::size_t i = 0; i < count; ++i, ++anchor) {
        const std::int32_t match = target.match[anchor];
        if (match < 0) continue;
        const std::size_t cell = i / per_cell;
        by_face[static_cast<std::size_t>(match)].push_back(
            {n, level, i, first_kind + i % per_cell, static_cast<std::size_t>(match),
             detection::anchor_at(row, static_cast<std::int64_t>(cell / width),
                                  static_cast<std::int64_t>(cell % width), i % per_cell)});
      }
      first_kind += per_cell;
    }
    RF_CHECK(anchor == target.match.size());
    for (std::size_t f = 0; f < by_face.size(); ++f) {
      const dataset::AnnotatedFace& face = target.faces[f];
      const std::vector<Place>& places = by_face[f];
      if (!dataset::has_landmarks(face) || face.box_is_estimate || places.empty() ||
          std::min(face.box.width(), face.box.height()) < options_.min_face_px)
        continue;
      const std::size_t taken =
          std::min(places.size(), static_cast<std::size_t>(options_.anchors_per_face));
      for (std::size_t k = 0; k < taken; ++k) {
        chosen.push_back(places[(2 * k + 1) * places.size() / (2 * taken)]);
      }
    }
  }
  return chosen;
}

double JointMesh::image_loss(const NetworkOutputs& outputs, const HeadBatch& context,
                             const Image& image, std::size_t images, const ImageTarget& target,
                             std::span<const Place> places, float factor, MeshLoss& loss,
                             std::span<float> gradient) const {
  const models::AnchorFamily& family = model_.detector().anchors;
  const std::vector<models::Head>& heads = model_.detector().heads;
  double sum = 0;
  for (const Place& place : places) {
    Face face;
    for (std::size_t h = 0; h < heads.size(); ++h) {
      const std::span<const float> map = outputs[h].values[place.level];
      const auto width = static_cast<std::size_t>(heads[h].values);
      const std::size_t at = place.image * (map.size() / images) + place.index * width;
      detection::decode_head(heads[h], place.anchor, map.subspan(at, width), family, face);
    }
    const dataset::AnnotatedFace& label = target.faces[place.face];
    // Not <: what is no number is no box.
    if (!(iou(face.box, label.box) >= kMinIou)) continue;
    const std::size_t per_cell = family.levels[place.level].sizes_px.size();
    const std::size_t cell = place.image * (context.values[place.level].size() / images) +
                             place.index / per_cell * features_;
    const MeshSample sample =
        mesh_sample(image, face, place.kind, context.values[place.level].subspan(cell, features_),
                    dataset::landmarks_of(label));
    const TrainableMeshHead::Pass pass = head_.forward(sample);
    std::array<float, mesh::kParameters> by_parameters{};
    sum += loss(pass.parameters, sample.target(), options_.loss, by_parameters).total;
    for (float& value : by_parameters) value *= factor;
    head_.backward(sample, pass, by_parameters, gradient,
                   context.gradients[place.level].subspan(cell, features_));
  }
  return factor * sum;
}

double JointMesh::add_loss(const NetworkOutputs& outputs, const HeadBatch& context,
                           std::span<const dataset::Sample> samples,
                           std::span<const ImageTarget> targets, std::span<const Place> places,
                           double count) {
  for (const std::span<float> map : context.gradients) std::ranges::fill(map, 0.0F);
  const std::size_t images = samples.size();
  std::vector<std::vector<float>> gradients(images);
  std::vector<double> losses(images);
  const auto factor = static_cast<float>(options_.weight / std::max(count, 1.0));
  for_each_item(threads_, images, [&](std::size_t n, std::size_t thread) {
    const auto own = std::ranges::equal_range(places, n, {}, &Place::image);
    if (own.empty()) return;
    gradients[n].resize(gradients_.size());
    losses[n] = image_loss(outputs, context, samples[n].image, images, targets[n], own, factor,
                           losses_[thread], gradients[n]);
  });
  double sum = 0;
  for (std::size_t n = 0; n < images; ++n) {
    sum += losses[n];
    for (std::size_t i = 0; i < gradients[n].size(); ++i) gradients_[i] += gradients[n][i];
  }
  return sum;
}

}  // namespace retinaface::training
