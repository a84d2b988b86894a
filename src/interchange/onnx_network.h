#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "graph/graph.h"
#include "graph/weights.h"
#include "interchange/onnx_model.h"

namespace retinaface::interchange {

/// How a value of the file lies in memory, which a graph's maps, (N, C, H, W), do not say.
enum class Arrangement {
  kMap,     ///< (N, C, H, W)
  kCells,   ///< (N, H, W, C)
  kPlanes,  ///< (N, C, H W)
  /// (N, rows, values) or (rows, values): a row is `values` adjacent channels of a cell; those of
  /// several maps one after the other.
  kRows,
  kVector,  ///< (N, C H W)
};

/// What a value of the file is: maps of the graph in some arrangement.
struct ArrangedMaps {
  Arrangement arrangement = Arrangement::kMap;
  std::vector<graph::NodeId> maps;  ///< one, but of rows
  std::int64_t values = 0;          ///< of a row
  bool has_batch = true;            ///< of rows: whether the extent N is there
};

struct OnnxOutput {
  std::string name;
  ArrangedMaps value;
};

/// A file's network as a graph. The graph has no outputs yet, and may have nodes that none needs.
struct OnnxNetwork {
  graph::Graph graph;
  graph::Weights weights;
  std::vector<OnnxOutput> outputs;
  /// At which the file was followed (doc/import.md); by node, the shapes there.
  std::vector<graph::Shape> shapes;
  bool fixed_size = false;  ///< the file says the size of its images
};

/// Follows the file (doc/import.md). Throws Error, the message starting with `source`:
/// kUnsupported, with the node, for what cannot be expressed; kBadData for what is not well formed.
OnnxNetwork read_network(const OnnxModel& file, const std::string& source);

}  // namespace retinaface::interchange
