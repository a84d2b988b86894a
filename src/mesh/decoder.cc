#include "mesh/decoder.h"

#include <algorithm>

#include "retinaface/mesh.h"

#include "base/check.h"
#include "mesh/rows.h"
#include "mesh/tensors.h"

namespace retinaface::mesh {
namespace {

static_assert(sizeof(Vector) == 3 * sizeof(float));

std::span<const float> flat(std::span<const Vector> vectors) {
  return {&vectors.front().x, 3 * vectors.size()};
}

}  // namespace

void Decoder::Part::decode(std::span<const float> codes, std::vector<Vector>& out) const {
  out.resize(kMeshVertices);
  const std::span<float> values(&out.front().x, 3 * out.size());
  std::ranges::copy(mean, values.begin());
  add_rows(codes, components, values);
}

Decoder::Part Decoder::read(const graph::Weights& weights, const std::string& name,
                            std::size_t codes, const std::string& source) {
  constexpr auto kVertices = static_cast<std::int64_t>(kMeshVertices);
  return {read_tensor(weights, name + ".mean", {kVertices, 3}, source),
          read_tensor(weights, name + ".components",
                      {static_cast<std::int64_t>(codes), kVertices, 3}, source)};
}

Decoder::Decoder(const graph::Weights& weights, const std::string& source)
    : shape_(read(weights, "mesh.shape", kShapeCodes, source)),
      texture_(read(weights, "mesh.texture", kTextureCodes, source)) {}

void Decoder::shape(std::span<const float> codes, std::vector<Vector>& vertices) const {
  shape_.decode(codes, vertices);
}

void Decoder::texture(std::span<const float> codes, std::vector<Vector>& albedo) const {
  texture_.decode(codes, albedo);
}

void Decoder::add_shape_gradient(std::span<const Vector> vertices, std::span<float> codes) const {
  add_products(shape_.components, flat(vertices), codes);
}

void Decoder::add_texture_gradient(std::span<const Vector> albedo, std::span<float> codes) const {
  add_products(texture_.components, flat(albedo), codes);
}

Vector Decoder::vertex(std::span<const float> codes, std::size_t index) const {
  RF_CHECK(codes.size() == kShapeCodes && index < kMeshVertices);
  Vector result = {shape_.mean[3 * index], shape_.mean[3 * index + 1], shape_.mean[3 * index + 2]};
  for (std::size_t k = 0; k < kShapeCodes; ++k) result += codes[k] * component(k, index);
  return result;
}

Vector Decoder::component(std::size_t k, std::size_t index) const {
  const float* const at = shape_.components.data() + 3 * (k * kMeshVertices + index);
  return {at[0], at[1], at[2]};
}

std::vector<Vector> Decoder::mean_texture() const {
  std::vector<Vector> mean(kMeshVertices);
  std::ranges::copy(texture_.mean, &mean.front().x);
  return mean;
}

Vector Decoder::texture_component(std::size_t k, std::size_t index) const {
  const float* const at = texture_.components.data() + 3 * (k * kMeshVertices + index);
  return {at[0], at[1], at[2]};
}

}  // namespace retinaface::mesh
