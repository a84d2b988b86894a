#include "cli/verification_options.h"

#include <nlohmann/json.hpp>

#include <fmt/format.h>

#include "cli/values.h"

namespace retinaface::cli {

FaceEmbedder open_embedder(const VerificationOptions& options) {
  return {options.recognizer, options.cache, options.cache_mib << 20};
}

Detector open_detector(const VerificationOptions& options, const std::string& model) {
  DetectionOptions of_model = options.detector;
  of_model.model = model;
  return load_detector(of_model);
}

std::string name_of(const std::string& model, const Detector& detector) {
  return model.empty() ? detector.info().name : display_name(model);
}

std::string rate_name(int power) {
  return fmt::format("1e{}", power);
}

void add_rates(const std::map<int, std::optional<double>>& tar_at_far,
               const std::map<int, std::optional<float>>& threshold_at_far, nlohmann::json& json) {
  for (const auto& [power, tar] : tar_at_far) {
    json["tar_at_far"][rate_name(power)] = tar ? nlohmann::json(100 * *tar) : nlohmann::json();
    const auto& threshold = threshold_at_far.at(power);
    json["threshold_at_far"][rate_name(power)] =
        threshold ? nlohmann::json(*threshold) : nlohmann::json();
  }
}

std::string rate_text(const std::optional<double>& tar) {
  return tar ? fmt::format("{:.2f}", 100 * *tar) : "-";
}

}  // namespace retinaface::cli
