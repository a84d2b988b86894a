#pragma once

#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

#include "retinaface/detector.h"

#include "cli/image_outputs.h"
#include "models/catalogue.h"

namespace retinaface::cli {

/// --scales that lets the image's size decide.
inline constexpr const char* kAllSizes = "auto";

/// What `detect` is told.
struct DetectCommandOptions {
  std::vector<std::string> inputs;
  std::string list;
  std::int64_t every = 1;  ///< frame of a video
  std::string model{models::kDefaultModel};
  std::string backend;  ///< empty: the best one
  DetectOptions detect;
  std::string scales = kAllSizes;
  int max_faces = 0;
  float min_size_px = 0;
  std::int64_t max_pixels = ReadOptions{}.max_pixels;
  std::string format = "jsonl";
  std::string output;
  std::string out;
  ImageOutputs images;
  bool resume = false;
  bool overwrite = false;
  int threads = 0;
  bool quiet = false;
  bool verbose = false;

  bool writes_wider() const { return format == "wider"; }
};

/// Whether --min-size leaves a face in.
inline bool is_large_enough(const DetectCommandOptions& options, const Face& face) {
  return std::min(face.box.width(), face.box.height()) >= options.min_size_px;
}

}  // namespace retinaface::cli
