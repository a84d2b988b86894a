#include "training/checksum.h"

#include <bit>
#include <string>
#include <type_traits>

#include <fmt/format.h>

#include "base/crc32c.h"
#include "base/text.h"
#include "graph/calibration.h"

namespace retinaface::training {
namespace {

/// Numbers alone, without gaps between them.
template <typename T>
void append(std::string& bytes, std::span<const T> values) {
  static_assert(std::is_trivially_copyable_v<T> && sizeof(T) % sizeof(float) == 0);
  bytes += fmt::format("{} ", values.size());
  bytes.append(reinterpret_cast<const char*>(values.data()), values.size_bytes());
}

std::string bytes_of(const dataset::MeshLabel& label) {
  std::string bytes = label.image.generic_string();
  append(bytes, std::span<const Box>(&label.box, 1));
  append(bytes, std::span<const Point>(label.landmarks));
  if (label.points_68) append(bytes, std::span<const Point>(*label.points_68));
  append(bytes, std::span<const MeshVertex>(label.vertices));
  if (label.pose) append(bytes, std::span<const HeadPose>(&*label.pose, 1));
  return bytes + (label.is_test ? "test" : "learn");
}

}  // namespace

std::uint32_t checksum(const graph::Weights& weights) {
  std::uint32_t sum = 0;
  for (const auto& [name, tensor] : weights.tensors) {
    if (name.starts_with(graph::kCalibrationPrefix)) continue;
    sum = std::rotl(sum, 1) ^ crc32c(text_of(tensor.bytes));
  }
  return sum;
}

std::uint32_t checksum(std::span<const dataset::MeshLabel> labels) {
  std::uint32_t sum = 0;
  for (const dataset::MeshLabel& label : labels) {
    sum = crc32c(fmt::format("{:08x} {:08x}", sum, crc32c(bytes_of(label))));
  }
  return sum;
}

}  // namespace retinaface::training
