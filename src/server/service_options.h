#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "retinaface/recognizer.h"

namespace retinaface::server {

struct ServiceOptions {
  static constexpr std::int64_t kDefaultMaxPixels = 50'000'000;
  static constexpr int kDefaultMaxDescribed = 1000;

  std::string model{};                          ///< what the detector was loaded by
  std::int64_t max_pixels = kDefaultMaxPixels;  ///< of a request's images together
  /// Faces of a request that get meshes or figures of quality; a mesh takes 25 kB of JSON, figures
  /// some tenths of a millisecond. A refined mesh or a vector counts as several.
  int max_described = kDefaultMaxDescribed;
  std::vector<std::string> api_keys{};     ///< one of which a client must know; empty: none
  std::string cors_origin{};               ///< whose pages may ask; empty: none but our own
  std::optional<Recognizer> recognizer{};  ///< for those who ask for faces' vectors
};

}  // namespace retinaface::server
