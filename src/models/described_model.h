#pragma once

#include <map>
#include <memory>
#include <string>

#include "graph/graph.h"
#include "models/catalogue.h"

namespace retinaface::models {

using Metadata = std::map<std::string, std::string, std::less<>>;

/// The metadata's key that a model of no row of the catalogue has: its graph (graph/graph_json.h).
inline constexpr std::string_view kGraphKey = "graph";

/// The metadata of a model that is no row of the catalogue, from which described_model makes the
/// same one again (doc/model_format.md).
Metadata describe(const Model& model, const graph::Graph& graph);

/// The model that metadata with a graph describe. Throws Error, the message starting with `source`,
/// for what is not well formed: outputs that the heads lack, anchors that do not fit, ranges.
std::shared_ptr<const Model> described_model(const Metadata& metadata, const std::string& source);

/// The policy of a detector whose anchors' sizes are known; that of the default model's anchors
/// where they cannot make one (derived_search_policy).
SearchPolicy search_policy_of(const AnchorFamily& anchors);

}  // namespace retinaface::models
