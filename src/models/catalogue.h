#pragma once

#include <array>
#include <cstddef>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "graph/graph.h"
#include "models/heads.h"
#include "models/search_policy.h"

namespace retinaface::models {

/// What the network takes: the image's 8-bit values in this channel order, less the mean.
struct Preprocessing {
  bool bgr = true;                        ///< channel order: blue first, or red first
  std::array<float, 3> mean = {0, 0, 0};  ///< in the network's channel order, 0 to 255
};

/// Square anchors on one grid, centred on its cells: the centre of cell (i, j) of the image is
/// ((i + 0.5) stride, (j + 0.5) stride).
struct AnchorLevel {
  int stride_px = 0;
  std::vector<float> sizes_px;
};

/// The anchors of a model and how its offsets are coded against them (detection/anchors.h).
struct AnchorFamily {
  std::vector<AnchorLevel> levels;
  float center_variance = 0.1F;
  float size_variance = 0.2F;
};

/// The names of a backbone's parameters, in every model, start with this.
inline constexpr std::string_view kBackbonePrefix = "body.";

/// One row of the catalogue. The graph's input is the image (N, 3, H, W); its outputs are, for
/// each head and each level l of the anchors, maps "HEAD.l" of A anchors a cell, (N, A * values,
/// H_l, W_l) with H_l = ceil(H / stride), the values of an anchor in adjacent channels.
struct Model {
  std::string name;
  std::string summary;
  std::function<graph::Graph()> build;
  Preprocessing preprocessing;
  AnchorFamily anchors;
  std::vector<Head> heads = face_heads();
  /// How faces of all sizes are looked for; measured for the row or derived from its anchors.
  SearchPolicy search = {};
  /// What an image classifier that lends its backbone divides its images by, in the network's
  /// channel order, beyond what `preprocessing` does. Its first convolution takes that over.
  std::array<float, 3> classifier_deviation = {1, 1, 1};
};

/// Where the outputs of a model's heads are among its graph's: by level, then by head.
std::vector<std::vector<std::size_t>> head_outputs(const graph::Graph& graph, const Model& model);

/// What a row's name has behind it for a variant of the network: resnet50+dcn+shared-heads.
inline constexpr std::string_view kDeformableOption = "+dcn";
inline constexpr std::string_view kSharedHeadsOption = "+shared-heads";

/// All models, in the order in which they are listed to people.
std::span<const Model> catalogue();

/// The names of the rows, for messages: "a, b, c".
std::string known_names();

/// The row called `name`. Throws Error(kNotFound) that lists the names there are.
const Model& find_model(std::string_view name);

inline constexpr std::string_view kDefaultModel = "mnet025";

}  // namespace retinaface::models
