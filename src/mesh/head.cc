#include "mesh/head.h"

#include <algorithm>
#include <cmath>
#include <cstdint>

#include "base/check.h"
#include "mesh/rows.h"
#include "mesh/tensors.h"

namespace retinaface::mesh {
namespace {

constexpr float kFrameOfBox = 1.25F;

std::int64_t extent(std::size_t count) {
  return static_cast<std::int64_t>(count);
}

}  // namespace

Frame mesh_frame(const Box& box) {
  const float side = kFrameOfBox * std::max({box.width(), box.height(), 1e-3F});
  return {box.center().x - side / 2, box.center().y - side / 2, side};
}

std::array<float, kFaceValues> face_values(const Face& face) {
  const Frame frame = mesh_frame(face.box);
  std::array<float, kFaceValues> values{};
  for (std::size_t i = 0; i < face.landmarks.size(); ++i) {
    // Centred, and of about the size that features have.
    values[2 * i] = 4 * ((face.landmarks[i].x - frame.x0) / frame.side - 0.5F);
    values[2 * i + 1] = 4 * ((face.landmarks[i].y - frame.y0) / frame.side - 0.5F);
  }
  constexpr float kMinSide = 1e-3F;
  values.back() =
      std::log(std::max(face.box.width(), kMinSide) / std::max(face.box.height(), kMinSide));
  return values;
}

MeshHead::MeshHead(const graph::Weights& weights, std::size_t kinds, std::size_t features,
                   const std::string& source)
    : kinds_(kinds),
      features_(features),
      first_weight_(read_tensor(weights, "mesh.head.first.weight",
                                {extent(kinds), extent(kHidden), extent(features + kFaceValues)},
                                source)),
      first_bias_(
          read_tensor(weights, "mesh.head.first.bias", {extent(kinds), extent(kHidden)}, source)),
      second_weight_(read_tensor(weights, "mesh.head.second.weight",
                                 {extent(kParameters), extent(kHidden)}, source)),
      second_bias_(read_tensor(weights, "mesh.head.second.bias", {extent(kParameters)}, source)) {}

Parameters MeshHead::evaluate(std::size_t kind, std::span<const float> features,
                              const Face& face) const {
  RF_CHECK(kind < kinds_ && features.size() == features_);
  std::vector<float> input(features.begin(), features.end());
  for (const float value : face_values(face)) input.push_back(value);
  std::array<float, kHidden> hidden{};
  std::copy_n(first_bias_.begin() + static_cast<std::ptrdiff_t>(kind * kHidden), kHidden,
              hidden.begin());
  const std::size_t size = kHidden * input.size();
  add_products(std::span(first_weight_).subspan(kind * size, size), input, hidden);
  for (float& value : hidden) value = std::max(value, kSlope * value);
  Parameters parameters;
  const auto values = values_of(parameters);
  std::ranges::copy(second_bias_, values.begin());
  add_products(second_weight_, hidden, values);
  for (float& value : values) value = std::clamp(value, -kMaxValue, kMaxValue);
  return parameters;
}

}  // namespace retinaface::mesh
