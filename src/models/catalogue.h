#pragma once

#include <span>
#include <string>
#include <string_view>

#include "models/detector_spec.h"
#include "models/network_spec.h"

namespace retinaface::models {

/// The names of a backbone's parameters, in every model, start with this.
inline constexpr std::string_view kBackbonePrefix = "body.";

/// One row of the catalogue: a network, and what makes it a detector.
struct Model {
  std::string name;
  std::string summary;
  NetworkSpec network;
  DetectorSpec detector;
};

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
