#pragma once

#include <filesystem>
#include <nlohmann/json_fwd.hpp>
#include <span>
#include <string>
#include <vector>

#include "evaluation/speed.h"

namespace retinaface::evaluation {

/// One time that the RetinaFace paper gives (table 4 there).
struct PublishedSpeed {
  const char* network = "";
  const char* machine = "";
  int width = 0;
  int height = 0;
  double ms = 0;
};
std::span<const PublishedSpeed> published_speeds();
/// Those of the network that `model`, a row's name, builds at this size.
std::vector<PublishedSpeed> published_speeds(const std::string& model, int width, int height);

/// The table that people read, the paper's figures beside.
std::string format_speeds(std::span<const Speed> speeds);

/// A list of one object a row (doc/performance.md).
nlohmann::ordered_json to_json(std::span<const Speed> speeds);

/// Milliseconds over megapixels: the forward pass with the paper's figures, and the whole call.
/// Throws as draw_diagrams.
void draw_speeds(const std::filesystem::path& path, std::span<const Speed> speeds);

}  // namespace retinaface::evaluation
