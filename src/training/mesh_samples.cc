#include "training/mesh_samples.h"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <numbers>

#include "base/parallel.h"
#include "base/plain_file.h"
#include "base/random.h"
#include "detection/decode.h"
#include "detection/detector_factory.h"
#include "geometry/box.h"
#include "geometry/mirror.h"
#include "image/convert.h"
#include "image/warp.h"
#include "mesh/head.h"
#include "training/mesh_fit.h"

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
  int margin = 0;  ///< px on all sides that the detector does not see
  Box box;
  Landmarks five;
  std::optional<std::array<Point, 68>> points;
  std::vector<MeshVertex> vertices;

  ImageView seen() const {
    ImageView view = image;
    view.data += view.stride * margin + 3 * margin;
    view.width -= 2 * margin;
    view.height -= 2 * margin;
    return view;
  }
};

template <typename Map>
void move_points(Variant& variant, const Map& map) {
  for (Point& point : variant.five) point = map(point);
  if (!variant.points) return;
  for (Point& point : *variant.points) point = map(point);
}

/// Moves the place of a face to where the edge of a square image cuts up to a third of it off.
void cut_by_edge(Point& place, float side, float size, Random& random) {
  const float inside = size * static_cast<float>(random.uniform(0.17, 0.5));
  float& coordinate = random.chance(0.5) ? place.x : place.y;
  coordinate = random.chance(0.5) ? inside : side - inside;
}

Variant variant_of(const Image& image, const dataset::MeshLabel& label, const MeshRecipe& recipe,
                   bool plain, Random& random) {
  Variant result{{}, 0, label.box, label.landmarks, label.points_68, label.vertices};
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
    // The vertices of a mesh are not one another's mirrors.
    is_mirrored = random.chance(0.5) && label.vertices.empty();
  }
  int side = std::max(64, static_cast<int>(std::ceil(region)));
  if (!plain && recipe.cut > 0 && random.chance(recipe.cut)) {
    cut_by_edge(place, static_cast<float>(side), size, random);
    result.margin = static_cast<int>(std::ceil(size));
    place.x += static_cast<float>(result.margin);
    place.y += static_cast<float>(result.margin);
    side += 2 * result.margin;
  }
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
  for (MeshVertex& vertex : result.vertices) {
    const Point to_place = forward({vertex.x, vertex.y});
    vertex = {to_place.x, to_place.y, scale * vertex.z};
  }
  if (!is_mirrored) return result;
  mirror(result.image);
  const auto edge = static_cast<float>(side);
  result.box = mirrored(result.box, edge);
  move_points(result, [&](const Point& p) { return mirrored(p, edge); });
  result.five = sides_exchanged(result.five);
  if (result.points) {
    const auto points = *result.points;
    for (std::size_t i = 0; i < points.size(); ++i) {
      (*result.points)[i] = points[mirror_counterpart_68(i)];
    }
  }
  return result;
}

/// Where they are not known, those of the face that fits the points.
void add_vertices(const mesh::Decoder& decoder, Variant& variant) {
  if (!variant.vertices.empty() || !variant.points) return;
  const mesh::Frame frame = mesh::mesh_frame(variant.box);
  std::array<Point, 68> points = *variant.points;
  for (Point& point : points) {
    point = {(point.x - frame.x0) / frame.side, (point.y - frame.y0) / frame.side};
  }
  for (const mesh::Vector& v : fit_points(decoder, points)) {
    variant.vertices.push_back(
        {frame.x0 + frame.side * v.x, frame.y0 + frame.side * v.y, frame.side * v.z});
  }
}

MeshSample sample_of(const Variant& variant, Face face, std::size_t features) {
  const detection::AnchorFeatures anchor = detection::take_mesh_features(face, features);
  MeshSample sample = mesh_sample(variant.image, face, anchor.kind, anchor.features, variant.five);
  const mesh::Frame frame = mesh::mesh_frame(face.box);
  const auto to_frame = [&](const Point& p) {
    return Point{(p.x - frame.x0) / frame.side, (p.y - frame.y0) / frame.side};
  };
  if (variant.points) {
    std::ranges::transform(*variant.points, sample.points.emplace().begin(), to_frame);
  }
  for (const MeshVertex& vertex : variant.vertices) {
    const Point at = to_frame({vertex.x, vertex.y});
    sample.vertices.push_back({at.x, at.y, vertex.z / frame.side});
  }
  sample.face_size = std::sqrt(variant.box.width() * variant.box.height()) / frame.side;
  return sample;
}

void add_samples(const Detector& detector, const Variant& variant, std::size_t features,
                 bool best_alone, Random& random, std::vector<MeshSample>& samples) {
  std::vector<Face> faces =
      detection::DetectorFactory::anchor_faces(detector, variant.seen(), kMinScore);
  const auto margin = static_cast<float>(variant.margin);
  for (Face& face : faces) {
    face.box = {face.box.x0 + margin, face.box.y0 + margin, face.box.x1 + margin,
                face.box.y1 + margin};
    for (Point& point : face.landmarks) point = {point.x + margin, point.y + margin};
  }
  std::erase_if(faces, [&](const Face& face) { return iou(face.box, variant.box) < kMinIou; });
  if (faces.empty()) return;
  std::ranges::stable_sort(faces, std::greater(), &Face::score);
  samples.push_back(sample_of(variant, faces.front(), features));
  if (best_alone || faces.size() == 1) return;
  const std::size_t other = 1 + static_cast<std::size_t>(random.below(faces.size() - 1));
  samples.push_back(sample_of(variant, faces[other], features));
}

}  // namespace

MeshSample mesh_sample(const ImageView& image, const Face& face, std::size_t kind,
                       std::span<const float> features, const Landmarks& five) {
  MeshSample sample;
  sample.kind = kind;
  sample.input.assign(features.begin(), features.end());
  for (const float value : mesh::face_values(face)) sample.input.push_back(value);
  const mesh::Frame frame = mesh::mesh_frame(face.box);
  std::ranges::transform(five, sample.five.begin(), [&](const Point& p) {
    return Point{(p.x - frame.x0) / frame.side, (p.y - frame.y0) / frame.side};
  });
  const Image crop = warp(image, {frame.side / kMeshCropSide, 0, {frame.x0, frame.y0}},
                          kMeshCropSide, kMeshCropSide);
  sample.crop.assign(crop.row(0), crop.row(0) + 3 * kMeshCropSide * kMeshCropSide);
  return sample;
}

std::vector<MeshSample> make_mesh_samples(const Detector& detector,
                                          std::span<const dataset::MeshLabel> labels,
                                          const MeshRecipe& recipe,
                                          const MeshSampleOptions& options) {
  const std::size_t features = detection::DetectorFactory::mesh_head_size(detector).second;
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
    expect_plain_file(options.images / labels[first].image);
    const Image image =
        read_image(options.images / labels[first].image, {.apply_orientation = false});
    for (std::size_t i = first; i < last; ++i) {
      for (int v = 0; v < options.variants; ++v) {
        Random random = Random::of(options.seed, i, v);
        Variant variant = variant_of(image, labels[i], recipe, options.plain, random);
        if (options.decoder != nullptr) add_vertices(*options.decoder, variant);
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
