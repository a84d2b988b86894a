#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "models/cascade_spec.h"
#include "models/detector_spec.h"
#include "models/network_spec.h"

namespace retinaface::models {

/// The names of a backbone's parameters, in every model, start with this.
inline constexpr std::string_view kBackbonePrefix = "body.";

/// What makes a network a recogniser: its one output, "embedding", (N, D, 1, 1), is compared by its
/// direction alone.
struct RecognizerSpec {
  /// Of the square image that it takes: a face aligned to the template of retinaface/alignment.h,
  /// scaled to this side.
  int side_px = 112;
};

/// A network and what makes it a detector, by anchors or as the first of a cascade, or a
/// recogniser: a row of the catalogue, or what a file describes (described_model.h).
struct Model {
  std::string name;
  std::string summary;
  NetworkSpec network;
  DetectorSpec detector;  ///< without levels of anchors: it is none by anchors
  std::optional<RecognizerSpec> recognizer = {};
  std::optional<CascadeSpec> cascade = {};
};

/// One network of a model, and an image that it takes.
struct SizedNetwork {
  graph::Graph graph;
  graph::Shape input;
};

/// All networks of a model for images of width x height pixels: one, or a cascade's first and then
/// its stages, these at their own side.
std::vector<SizedNetwork> networks_of(const Model& model, int width, int height);

/// What a row's name has behind it for a variant of the network: resnet50+dcn+shared-heads.
inline constexpr std::string_view kDeformableOption = "+dcn";
inline constexpr std::string_view kSharedHeadsOption = "+shared-heads";

/// All models, in the order in which they are listed to people.
std::span<const Model> catalogue();

/// The names of the rows, for messages: "a, b, c".
std::string known_names();

/// The row called `name`; null if there is none.
const Model* find_row(std::string_view name);

/// The same. Throws Error(kNotFound) that lists the names there are.
const Model& find_model(std::string_view name);

inline constexpr std::string_view kDefaultModel = "mnet025";

}  // namespace retinaface::models
