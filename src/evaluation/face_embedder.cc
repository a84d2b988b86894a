#include "evaluation/face_embedder.h"

#include <algorithm>
#include <cmath>
#include <span>
#include <string_view>

#include "retinaface/alignment.h"

#include "evaluation/chosen_face.h"
#include "models/load_model.h"

namespace retinaface::evaluation {
namespace {

/// What of a model its results depend on.
ContentHash mark_of(const models::LoadedModel& model) {
  const auto bytes = [](std::string_view text) { return std::as_bytes(std::span(text)); };
  ContentHasher hasher;
  for (const auto& [name, tensor] : model.weights.tensors) {
    hasher.add_counted(bytes(name));
    hasher.add_counted(std::span(tensor.bytes.data(), tensor.bytes.size()));
  }
  for (const auto& [key, value] : model.weights.metadata) {
    hasher.add_counted(bytes(key));
    hasher.add_counted(bytes(value));
  }
  return hasher.hash();
}

}  // namespace

std::optional<Landmarks> points_in_the_middle(const std::vector<Face>& faces, const Image& image) {
  const Point middle = {static_cast<float>(image.width()) / 2,
                        static_cast<float>(image.height()) / 2};
  const auto distance = [&](const Face& face) {
    const Point center = face.box.center();
    return std::hypot(center.x - middle.x, center.y - middle.y);
  };
  const auto nearest = std::ranges::min_element(faces, {}, distance);
  return nearest == faces.end() ? std::nullopt : std::optional(nearest->landmarks);
}

std::optional<Landmarks> points_in_box(const std::vector<Face>& faces, const Box& box) {
  constexpr float kMinIou = 0.2F;
  const Face* const best = best_face_on(faces, box, kMinIou);
  return best == nullptr ? std::nullopt : std::optional(best->landmarks);
}

Landmarks points_of_aligned(const Image& image) {
  Landmarks points = kAlignedLandmarks;
  for (Point& point : points) {
    point.x *= static_cast<float>(image.width()) / static_cast<float>(kAlignedSide);
    point.y *= static_cast<float>(image.height()) / static_cast<float>(kAlignedSide);
  }
  return points;
}

FaceEmbedder::FaceEmbedder(const std::string& recognizer, const std::string& cache,
                           std::size_t cache_bytes,
                           std::function<void(const std::string& problem)> report)
    : recognizer_(recognizer), report_(std::move(report)) {
  if (cache.empty()) return;
  mark_ = mark_of(models::load_model_by_name_or_path(recognizer));
  cache_ = std::make_unique<EmbeddingCache>(cache, cache_bytes);
}

std::vector<Embedding> FaceEmbedder::embed(
    const ImageFile& encoded, const PlacePoints& place, std::size_t ways,
    const std::function<Landmarks(const Landmarks& points, std::size_t way)>& moved) {
  std::vector<Embedding> embeddings(ways);
  const Image image = decode_image(encoded.content, {.apply_orientation = false}, encoded.name);
  const std::optional<Landmarks> points = place(image);
  if (!points) return embeddings;
  for (std::size_t way = 0; way < ways; ++way) {
    const Landmarks of_way = moved(*points, way);
    if (cache_ == nullptr) {
      embeddings[way] = recognizer_.embed(image, of_way);
      continue;
    }
    const ContentHash key = embedding_key(mark_, encoded.content, of_way);
    embeddings[way] = cache_->find(key);
    if (embeddings[way]) continue;
    embeddings[way] = recognizer_.embed(image, of_way);
    cache_->add(key, *embeddings[way]);
  }
  return embeddings;
}

Embedding FaceEmbedder::embed(const ImageFile& encoded, const PlacePoints& place) {
  const auto as_found = [](const Landmarks& points, std::size_t) { return points; };
  return embed(encoded, place, 1, as_found).front();
}

FaceEmbedder::~FaceEmbedder() {
  if (cache_ == nullptr || saved_ || cache_->added() == 0) return;
  try {
    cache_->save();
  } catch (const Error& error) {
    if (report_) report_(error.what());
  }
}

void FaceEmbedder::save() {
  if (cache_ == nullptr) return;
  cache_->save();
  saved_ = true;
}

}  // namespace retinaface::evaluation
