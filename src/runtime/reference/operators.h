#pragma once

#include <span>
#include <vector>

#include "graph/graph.h"
#include "graph/weights.h"

namespace retinaface::runtime::reference {

/// A planar map (C, H, W) of one image.
struct Map {
  graph::Shape shape;
  std::vector<double> values;

  explicit Map(const graph::Shape& s) : shape(s), values(static_cast<std::size_t>(s.elements())) {}
  double& at(std::int64_t c, std::int64_t y, std::int64_t x) {
    return values[static_cast<std::size_t>((c * shape.h + y) * shape.w + x)];
  }
  double at(std::int64_t c, std::int64_t y, std::int64_t x) const {
    return values[static_cast<std::size_t>((c * shape.h + y) * shape.w + x)];
  }
};

/// What `node` yields for `inputs`, into a map of the inferred shape.
Map evaluate(const graph::Node& node, const graph::Weights& weights,
             std::span<const Map* const> inputs, const graph::Shape& shape);

}  // namespace retinaface::runtime::reference
