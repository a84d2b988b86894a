#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "cli/evaluate.h"
#include "evaluation/face_embedder.h"

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

/// The recogniser, with the embeddings that are kept from earlier evaluations. What keeps it from
/// keeping more is told on standard error.
evaluation::FaceEmbedder open_embedder(const VerificationOptions& options);

/// Keeps what the cache is to keep, and says how much of it came from there.
void save(evaluation::FaceEmbedder& embedder);

/// A detector by its name or file; "" is that of the detection options.
Detector open_detector(const VerificationOptions& options, const std::string& model);

/// What results call it.
std::string name_of(const std::string& model, const Detector& detector);

/// `evaluate verification` on pairs of images; the exit code.
int evaluate_image_pairs(const VerificationOptions& options);

/// `evaluate verification --templates`, on pairs of templates; the exit code.
int evaluate_templates(const VerificationOptions& options);

}  // namespace retinaface::cli
