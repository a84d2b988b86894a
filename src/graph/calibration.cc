#include "graph/calibration.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/check.h"
#include "base/file.h"
#include "base/number_text.h"

namespace retinaface::graph {
namespace {

constexpr std::string_view kScale = ".scale";
constexpr std::string_view kZero = ".zero";
constexpr const char* kFloatLayers = "calibration.float_layers";  // of the metadata
constexpr const char* kError = "calibration.error";               // the same

[[noreturn]] void fail_at(std::string_view tensor, std::string_view found) {
  fail(ErrorCode::kBadData,
       "calibration: tensor {}: {}; make the calibration anew: `retinaface quantize`",
       excerpt(tensor), found);
}

}  // namespace

ByteCode joined(const ByteCode& first, const ByteCode& second) {
  ByteCode both = first;
  both.scale.insert(both.scale.end(), second.scale.begin(), second.scale.end());
  both.zero.insert(both.zero.end(), second.zero.begin(), second.zero.end());
  return both;
}

bool has_calibration(const Weights& weights) {
  const auto first = weights.tensors.lower_bound(kCalibrationPrefix);
  return first != weights.tensors.end() && first->first.starts_with(kCalibrationPrefix);
}

bool is_within_bounds(const Weights& weights) {
  const Calibration calibration = read_calibration(weights);
  const std::size_t layers = calibration.codes.size() - calibration.codes.count(kImageCode);
  return calibration.float_layers.size() < layers && calibration.error &&
         *calibration.error <= kMaxCalibrationError;
}

Calibration read_calibration(const Weights& weights) {
  Calibration calibration;
  for (const auto& [name, tensor] : weights.tensors) {
    if (!name.starts_with(kCalibrationPrefix) || !name.ends_with(kScale)) continue;
    const std::string stem = name.substr(0, name.size() - kScale.size());
    const auto zero = weights.tensors.find(stem + std::string(kZero));
    if (zero == weights.tensors.end()) fail_at(stem + std::string(kZero), "missing");
    if (tensor.type != DataType::kFloat32 || zero->second.type != DataType::kUInt8 ||
        tensor.shape.size() != 1 || zero->second.shape != tensor.shape) {
      fail_at(name, "expected F32 and, of the same length, U8 beside it");
    }
    const auto scale = tensor.values();
    if (std::ranges::any_of(scale, [](float s) { return !(s > 0) || !std::isfinite(s); })) {
      fail_at(name, "expected positive numbers");
    }
    const auto zeros = zero->second.values<std::uint8_t>();
    calibration.codes.emplace(stem.substr(kCalibrationPrefix.size()),
                              ByteCode{{scale.begin(), scale.end()}, {zeros.begin(), zeros.end()}});
  }
  if (const auto layers = weights.metadata.find(kFloatLayers); layers != weights.metadata.end()) {
    std::string_view rest = layers->second;
    while (!rest.empty()) {
      const std::size_t comma = std::min(rest.find(','), rest.size());
      calibration.float_layers.emplace(rest.substr(0, comma));
      rest.remove_prefix(std::min(comma + 1, rest.size()));
    }
  }
  if (const auto error = weights.metadata.find(kError); error != weights.metadata.end()) {
    calibration.error = read_number<double>(error->second);
  }
  return calibration;
}

void write_calibration(const Calibration& calibration, Weights& weights) {
  std::erase_if(weights.tensors,
                [](const auto& entry) { return entry.first.starts_with(kCalibrationPrefix); });
  for (const auto& [name, code] : calibration.codes) {
    const auto channels = static_cast<std::int64_t>(code.scale.size());
    const std::string stem = std::string(kCalibrationPrefix) + name;
    Tensor scale = Tensor::of_shape({channels});
    Tensor zero = Tensor::of_shape({channels}, DataType::kUInt8);
    std::ranges::copy(code.scale, scale.values().begin());
    std::ranges::copy(code.zero, zero.values<std::uint8_t>().begin());
    weights.tensors.emplace(stem + std::string(kScale), std::move(scale));
    weights.tensors.emplace(stem + std::string(kZero), std::move(zero));
  }
  weights.metadata[kFloatLayers] = fmt::format("{}", fmt::join(calibration.float_layers, ","));
  weights.metadata.erase(kError);
  if (calibration.error) weights.metadata[kError] = fmt::format("{:.6g}", *calibration.error);
}

}  // namespace retinaface::graph
