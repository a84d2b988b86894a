#pragma once

#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/check.h"
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

/// What a network is for: to be a detector by anchors, the first of a cascade, or a recogniser.
using Purpose = std::variant<DetectorSpec, CascadeSpec, RecognizerSpec>;

/// A network and its purpose: a row of the catalogue, or what a file describes (described_model.h).
struct Model {
  std::string name;
  std::string summary;
  NetworkSpec network;
  Purpose purpose;

  /// What the model is, where it is that; else null.
  const DetectorSpec* find_detector() const { return std::get_if<DetectorSpec>(&purpose); }
  const CascadeSpec* find_cascade() const { return std::get_if<CascadeSpec>(&purpose); }
  const RecognizerSpec* find_recognizer() const { return std::get_if<RecognizerSpec>(&purpose); }

  /// Of a model that is a detector by anchors: rows of the catalogue are, of others it has been
  /// asked (expect_one_network_detector in load_model.h).
  const DetectorSpec& detector() const {
    RF_CHECK(find_detector() != nullptr);
    return *find_detector();
  }
  DetectorSpec& detector() {
    RF_CHECK(find_detector() != nullptr);
    return std::get<DetectorSpec>(purpose);
  }
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
