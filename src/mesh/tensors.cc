#include "mesh/tensors.h"

#include "base/check.h"

namespace retinaface::mesh {

std::vector<float> read_tensor(const graph::Weights& weights, const std::string& name,
                               const std::vector<std::int64_t>& shape, const std::string& source) {
  const auto found = weights.tensors.find(name);
  if (found == weights.tensors.end()) {
    fail(ErrorCode::kBadData, "{}: expected the mesh branch's tensor {}, found none", source, name);
  }
  if (found->second.shape != shape) {
    fail(ErrorCode::kBadData, "{}: {}: expected the shape {}, found {}", source, name,
         graph::to_string(shape), graph::to_string(found->second.shape));
  }
  const graph::Tensor tensor = graph::as_float32(found->second);
  const auto values = tensor.values();
  return {values.begin(), values.end()};
}

}  // namespace retinaface::mesh
