#pragma once

#include <string>
#include <string_view>

#include "graph/graph.h"

namespace retinaface::graph {

/// The graph as JSON, for the metadata of a model that is no row of the catalogue
/// (doc/model_format.md). Equal graphs give equal texts.
std::string to_json(const Graph& graph);

/// Reads what to_json has written. The graph is checked: it starts with its one Input, each node
/// comes after those that it reads, names are new, and maps of 256x256 pixels go through it. Throws
/// Error(kBadData) or Error(kUnsupported) with what is wrong, the message starting with `source`.
Graph parse_graph(std::string_view json, const std::string& source);

/// No more nodes are read.
inline constexpr std::size_t kMaxNodes = 5000;
/// No map has more channels.
inline constexpr std::int64_t kMaxChannels = 65536;

}  // namespace retinaface::graph
