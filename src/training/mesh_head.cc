#include "training/mesh_head.h"

#include <algorithm>
#include <cmath>

#include "base/check.h"
#include "base/random.h"
#include "mesh/rows.h"
#include "mesh/tensors.h"

namespace retinaface::training {
namespace {

constexpr std::size_t kHidden = mesh::MeshHead::kHidden;
enum Slot { kFirstWeight, kFirstBias, kSecondWeight, kSecondBias };

std::int64_t extent(std::size_t count) {
  return static_cast<std::int64_t>(count);
}

}  // namespace

TrainableMeshHead::TrainableMeshHead(std::size_t kinds, std::span<const MeshSample> samples,
                                     std::uint64_t seed)
    : kinds_(kinds), inputs_(samples.empty() ? 0 : samples.front().input.size()) {
  RF_CHECK(inputs_ > 0);
  std::vector<double> sums(kinds * inputs_);
  std::vector<double> squares(sums.size());
  std::vector<double> counts(kinds);
  for (const MeshSample& sample : samples) {
    counts.at(sample.kind) += 1;
    for (std::size_t i = 0; i < inputs_; ++i) {
      const double value = sample.input[i];
      sums[sample.kind * inputs_ + i] += value;
      squares[sample.kind * inputs_ + i] += value * value;
    }
  }
  const auto variance_of = [](double sum, double square, double count) {
    return square / count - (sum / count) * (sum / count);
  };
  std::vector<double> variances(inputs_);  // over all kinds
  for (std::size_t i = 0; i < inputs_; ++i) {
    double sum = 0;
    double square = 0;
    for (std::size_t kind = 0; kind < kinds; ++kind) {
      sum += sums[kind * inputs_ + i];
      square += squares[kind * inputs_ + i];
    }
    variances[i] = variance_of(sum, square, static_cast<double>(samples.size()));
  }
  for (std::size_t i = 0; i < sums.size(); ++i) {
    const double count = std::max(counts[i / inputs_], 1.0);
    mean_.push_back(static_cast<float>(sums[i] / count));
    // What hardly changes at the anchors of a kind, which may be few, is not blown up to what
    // others do: elsewhere it would say huge things. What never does says nothing.
    constexpr double kMinShare = 0.04;
    const double variance =
        std::max(variance_of(sums[i], squares[i], count), kMinShare * variances[i % inputs_]);
    inverse_.push_back(variance > 1e-6 ? static_cast<float>(1 / std::sqrt(variance)) : 0);
  }
  make_slots();
  Random random(seed);
  const auto fill = [&](const runtime::ParameterSlot& slot, double deviation) {
    for (std::size_t i = 0; i < slot.size; ++i) {
      values_[slot.offset + i] = static_cast<float>(random.normal() * deviation);
    }
  };
  fill(slots_[kFirstWeight], std::sqrt(2.0 / static_cast<double>(inputs_)));
  fill(slots_[kSecondWeight], 0.01);
}

TrainableMeshHead::TrainableMeshHead(const graph::Weights& weights, std::size_t kinds,
                                     std::size_t features, const std::string& source)
    : kinds_(kinds),
      inputs_(features + mesh::kFaceValues),
      mean_(kinds * inputs_, 0.0F),
      inverse_(kinds * inputs_, 1.0F) {
  make_slots();
  for (const runtime::ParameterSlot& slot : slots_) {
    const std::vector<float> read = mesh::read_tensor(weights, slot.name, slot.shape, source);
    std::ranges::copy(read, values_.begin() + static_cast<std::ptrdiff_t>(slot.offset));
  }
}

void TrainableMeshHead::make_slots() {
  const auto add = [&](const char* name, std::vector<std::int64_t> shape, bool is_bias) {
    runtime::ParameterSlot slot;
    slot.name = name;
    slot.offset = values_.size();
    slot.size = 1;
    for (const std::int64_t side : shape) slot.size *= static_cast<std::size_t>(side);
    slot.shape = std::move(shape);
    slot.is_bias = is_bias;
    values_.resize(values_.size() + slot.size);
    slots_.push_back(std::move(slot));
  };
  add("mesh.head.first.weight", {extent(kinds_), extent(kHidden), extent(inputs_)}, false);
  add("mesh.head.first.bias", {extent(kinds_), extent(kHidden)}, true);
  add("mesh.head.second.weight", {extent(mesh::kParameters), extent(kHidden)}, false);
  add("mesh.head.second.bias", {extent(mesh::kParameters)}, true);
}

TrainableMeshHead::Pass TrainableMeshHead::forward(const MeshSample& sample) const {
  const std::span<const float> values = values_;
  const auto part = [&](Slot slot, std::size_t first, std::size_t size) {
    return values.subspan(slots_[slot].offset + first, size);
  };
  Pass pass;
  pass.input = sample.input;
  for (std::size_t i = 0; i < inputs_; ++i) {
    const std::size_t at = sample.kind * inputs_ + i;
    pass.input[i] = (pass.input[i] - mean_[at]) * inverse_[at];
  }
  const auto bias = part(kFirstBias, sample.kind * kHidden, kHidden);
  pass.hidden.assign(bias.begin(), bias.end());
  mesh::add_products(part(kFirstWeight, sample.kind * kHidden * inputs_, kHidden * inputs_),
                     pass.input, pass.hidden);
  for (float& value : pass.hidden) value = std::max(value, mesh::MeshHead::kSlope * value);
  const auto out = mesh::values_of(pass.parameters);
  std::ranges::copy(part(kSecondBias, 0, mesh::kParameters), out.begin());
  mesh::add_products(part(kSecondWeight, 0, mesh::kParameters * kHidden), pass.hidden, out);
  return pass;
}

void TrainableMeshHead::backward(const MeshSample& sample, const Pass& pass,
                                 std::span<const float, mesh::kParameters> by_parameters,
                                 std::span<float> gradient, std::span<float> by_input) const {
  std::vector<float> by_hidden(kHidden);
  const std::span<const float> second =
      std::span(values_).subspan(slots_[kSecondWeight].offset, slots_[kSecondWeight].size);
  mesh::add_rows(by_parameters, second, by_hidden);
  for (std::size_t o = 0; o < mesh::kParameters; ++o) {
    gradient[slots_[kSecondBias].offset + o] += by_parameters[o];
    mesh::add_rows({&by_parameters[o], 1}, pass.hidden,
                   gradient.subspan(slots_[kSecondWeight].offset + o * kHidden, kHidden));
  }
  for (std::size_t h = 0; h < kHidden; ++h) {
    if (pass.hidden[h] < 0) by_hidden[h] *= mesh::MeshHead::kSlope;
    const std::size_t row = sample.kind * kHidden + h;
    gradient[slots_[kFirstBias].offset + row] += by_hidden[h];
    mesh::add_rows({&by_hidden[h], 1}, pass.input,
                   gradient.subspan(slots_[kFirstWeight].offset + row * inputs_, inputs_));
  }
  if (by_input.empty()) return;
  const std::size_t size = kHidden * inputs_;
  std::vector<float> by_normalised(inputs_);
  mesh::add_rows(by_hidden,
                 std::span(values_).subspan(slots_[kFirstWeight].offset + sample.kind * size, size),
                 by_normalised);
  for (std::size_t i = 0; i < by_input.size(); ++i) {
    by_input[i] += by_normalised[i] * inverse_[sample.kind * inputs_ + i];
  }
}

// W ((x - m) / d) + b = (W / d) x + (b - (W / d) m).
graph::Weights TrainableMeshHead::weights() const {
  graph::Weights result;
  for (const runtime::ParameterSlot& slot : slots_) {
    graph::Tensor tensor = graph::Tensor::of_shape(slot.shape);
    std::copy_n(values_.begin() + static_cast<std::ptrdiff_t>(slot.offset), slot.size,
                tensor.values().begin());
    result.tensors.emplace(slot.name, std::move(tensor));
  }
  const auto weight = result.tensors.find(slots_[kFirstWeight].name)->second.values();
  const auto bias = result.tensors.find(slots_[kFirstBias].name)->second.values();
  for (std::size_t row = 0; row < kinds_ * kHidden; ++row) {
    for (std::size_t i = 0; i < inputs_; ++i) {
      const std::size_t at = row / kHidden * inputs_ + i;
      float& value = weight[row * inputs_ + i];
      value *= inverse_[at];
      bias[row] -= value * mean_[at];
    }
  }
  return result;
}

}  // namespace retinaface::training
