#include "training/mesh_samples.h"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <numbers>

#include "base/parallel.h"
#include "base/random.h"
#include "detection/decode.h"
#include "detection/detector_factory.h"
#include "geometry/box.h"
#include "geometry/mirror.h"
#include "image/convert.h"
#include "image/warp.h"
#include "mesh/head.h"

namespace retinaface::training {
namespace {

constexpr float kMinIou = 0.5F;
constexpr float kMinScore = 0.2F;

/// The point of the 68 that a mirror puts in the place of each.
std::size_t mirror_counterpart_68(std::size_t i) {
  constexpr std::array<std::array<std::size_t, 3>, 9> kRuns = {{// first, last, sum of a pair
                                                                {0, 16, 16},
                                                                {17, 26, 43},
                                                                {31, 35, 66},
                                                                {36, 39, 81},
                                                                {42, 45, 81},
                                                                {48, 54, 102},
                                                                {55, 59, 114},
                                                                {60, 64, 124},
                                                                {65, 67, 132}}};
  for (const auto& [first, last, sum] : kRuns) {
    if (i >= first && i <= last) return sum - i;
  }
  if (i == 40 || i == 41 || i == 46 || i == 47) return 87 - i;  // the lower lids
  return i;                                                     // the bridge of the nose
}

/// A label moved into an image of its own.
struct Variant {
  Image image;
  Box box;
  Landmarks five;
  std::optional<std::array<Point, 68>> points;
};

template <typename Map>
void move_points(Variant& variant, const Map& map) {
  for (Point& point : variant.five) point = map(point);
  if (!variant.points) return;
  for (Point& point : *variant.points) point = map(point);
}

Variant variant_of(const Image& image, const dataset::MeshLabel& label, const MeshRecipe& recipe,
                   bool plain, Random& random) {
  Variant result{{}, label.box, label.landmarks, label.points_68};
  const Point center = label.box.center();
  const float own = std::sqrt(label.box.width() * label.box.height());
  float size = std::clamp(own, recipe.min_face_px, recipe.max_face_px);
  float region = 4 * size;
  float angle = 0;
  Point place = {region / 2, region / 2};
  bool is_mirrored = false;
  if (!plain) {
    size = static_cast<float>(
        std::exp(random.uniform(std::log(recipe.min_face_px), std::log(recipe.max_face_px))));
    region = size * static_cast<float>(random.uniform(2.2, 3.5));
    angle = recipe.turn_degrees * std::numbers::pi_v<float> / 180 *
            static_cast<float>(random.uniform(-1, 1));
    const float room = region / 2 - 0.8F * size;
    place.x = region / 2 + room * static_cast<float>(random.uniform(-1, 1));
    place.y = region / 2 + room * static_cast<float>(random.uniform(-1, 1));
    is_mirrored = random.chance(0.5);
  }
  const int side = std::max(64, static_cast<int>(std::ceil(region)));
  const float scale = size / own;
  const Similarity to = {scale * std::cos(angle), scale * std::sin(angle), {}};
  const auto forward = [&](const Point& p) {
    const Point turned = to({p.x - center.x, p.y - center.y});
    return Point{turned.x + place.x, turned.y + place.y};
  };
  Similarity back = {std::cos(angle) / scale, -std::sin(angle) / scale, {}};
  const Point origin = back(place);
  back.shift = {center.x - origin.x, center.y - origin.y};
  result.image = warp(image, back, side, side);
  // A turned face is as wide and high as it was.
  const float half_width = label.box.width() * scale / 2;
  const float half_height = label.box.height() * scale / 2;
  result.box = {place.x - half_width, place.y - half_height, place.x + half_width,
                place.y + half_height};
  move_points(result, forward);
  if (!is_mirrored) return result;
  mirror(result.image);
  const auto edge = static_cast<float>(side);
  result.box = mirrored(result.box, edge);
  move_points(result, [&](const Point& p) { return Point{edge - p.x, p.y}; });
  const Landmarks five = result.five;
  for (std::size_t i = 0; i < five.size(); ++i) result.five[i] = five[kMirrorCounterpart[i]];
  if (result.points) {
    const auto points = *result.points;
    for (std::size_t i = 0; i < points.size(); ++i) {
      (*result.points)[i] = points[mirror_counterpart_68(i)];
    }
  }
  return result;
}

MeshSample sample_of(const Variant& variant, Face face, std::size_t features) {
  detection::AnchorFeatures anchor = detection::take_mesh_features(face, features);
  MeshSample sample;
  sample.kind = anchor.kind;
  sample.input = std::move(anchor.features);
  for (const float value : mesh::face_values(face)) sample.input.push_back(value);
  const mesh::Frame frame = mesh::mesh_frame(face.box);
  const auto to_frame = [&](const Point& p) {
    return Point{(p.x - frame.x0) / frame.side, (p.y - frame.y0) / frame.side};
  };
  std::ranges::transform(variant.five, sample.five.begin(), to_frame);
  if (variant.points) {
    std::ranges::transform(*variant.points, sample.points.emplace().begin(), to_frame);
  }
  const Image crop = warp(variant.image, {frame.side / kMeshCropSide, 0, {frame.x0, frame.y0}},
                          kMeshCropSide, kMeshCropSide);
  sample.crop.assign(crop.row(0), crop.row(0) + 3 * kMeshCropSide * kMeshCropSide);
  sample.face_size = std::sqrt(variant.box.width() * variant.box.height()) / frame.side;
  return sample;
}

void add_samples(const Detector& detector, const Variant& variant, std::size_t features,
                 bool best_alone, Random& random, std::vector<MeshSample>& samples) {
  std::vector<Face> faces = DetectorFactory::anchor_faces(detector, variant.image, kMinScore);
  std::erase_if(faces, [&](const Face& face) { return iou(face.box, variant.box) < kMinIou; });
  if (faces.empty()) return;
  std::ranges::stable_sort(faces, std::greater(), &Face::score);
  samples.push_back(sample_of(variant, faces.front(), features));
  if (best_alone || faces.size() == 1) return;
  const std::size_t other = 1 + static_cast<std::size_t>(random.below(faces.size() - 1));
  samples.push_back(sample_of(variant, faces[other], features));
}

}  // namespace

std::vector<MeshSample> make_mesh_samples(const Detector& detector,
                                          std::span<const dataset::MeshLabel> labels,
                                          const MeshRecipe& recipe,
                                          const MeshSampleOptions& options) {
  const std::size_t features = DetectorFactory::mesh_head_size(detector).second;
  // Labels of one image follow one another: it is read once.
  std::vector<std::pair<std::size_t, std::size_t>> groups;
  for (std::size_t i = 0; i < labels.size(); ++i) {
    if (i == 0 || labels[i].image != labels[i - 1].image) groups.emplace_back(i, i);
    groups.back().second = i + 1;
  }
  std::vector<std::vector<MeshSample>> by_group(groups.size());
  std::atomic<std::size_t> done = 0;
  for_each_item(options.threads, groups.size(), [&](std::size_t group, std::size_t) {
    const auto [first, last] = groups[group];
    const Image image =
        read_image(options.images / labels[first].image, {.apply_orientation = false});
    for (std::size_t i = first; i < last; ++i) {
      for (int v = 0; v < options.variants; ++v) {
        Random random = Random::of(options.seed, i, v);
        const Variant variant = variant_of(image, labels[i], recipe, options.plain, random);
        add_samples(detector, variant, features, options.plain, random, by_group[group]);
      }
    }
    if (options.progress) options.progress(++done, groups.size());
  });
  std::vector<MeshSample> samples;
  for (auto& of_group : by_group) {
    std::ranges::move(of_group, std::back_inserter(samples));
  }
  return samples;
}

}  // namespace retinaface::training
