#pragma once

#include <cstddef>
#include <map>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "cli/evaluate.h"
#include "cli/face_embedder.h"

namespace retinaface::cli {

/// What `evaluate verification` was asked for.
struct VerificationOptions {
  std::string pairs;
  std::vector<std::string> templates;
  std::string images;
  std::string recognizer;
  std::vector<std::string> models;
  DetectionOptions detector;
  bool move_points = false;
  std::string cache;
  std::size_t cache_mib = 1024;
  FigureFiles figures;
  std::string points_curve;
};

/// The recogniser, with the embeddings that are kept from earlier evaluations.
FaceEmbedder open_embedder(const VerificationOptions& options);

/// A detector by its name or file; "" is that of the detection options.
Detector open_detector(const VerificationOptions& options, const std::string& model);

/// What results call it.
std::string name_of(const std::string& model, const Detector& detector);

/// "1e-3" of -3.
std::string rate_name(int power);

/// A true accept rate in per cent for people; "-" for one that so few pairs cannot tell.
std::string rate_text(const std::optional<double>& tar);

/// Adds true accept rates, in per cent, and thresholds by the power of ten of their false accept
/// rate.
void add_rates(const std::map<int, std::optional<double>>& tar_at_far,
               const std::map<int, std::optional<float>>& threshold_at_far, nlohmann::json& json);

/// `evaluate verification` on pairs of images; the exit code.
int evaluate_image_pairs(const VerificationOptions& options);

/// `evaluate verification --templates`, on pairs of templates; the exit code.
int evaluate_templates(const VerificationOptions& options);

}  // namespace retinaface::cli
