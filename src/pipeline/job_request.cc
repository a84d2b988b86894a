#include "pipeline/job_request.h"

#include <cstddef>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/crc32c.h"
#include "base/file.h"
#include "base/text.h"
#include "models/model_files.h"
#include "pipeline/job_options.h"

namespace retinaface::pipeline {
namespace {

namespace fs = std::filesystem;

/// A folder as it is compared with that of another run: "./out/" is "out".
std::string as_recorded(const fs::path& folder) {
  const fs::path normal = folder.lexically_normal();
  return (normal.has_filename() ? normal : normal.parent_path()).string();
}

std::string with_checksum(const std::string& model) {
  const std::optional<fs::path> file = models::file_of_model(model);
  if (!file || !file_exists(*file)) return model;
  const std::vector<std::byte> bytes = read_file(*file);
  const std::string_view content = text_of(bytes);
  return model + fmt::format(" (checksum {:08x})", crc32c(content));
}

std::string flag(bool is_set) {
  return is_set ? kFlag : "";
}

/// What a record has of an option: nothing of one that has its default, so that a record of a
/// version without the option means what it meant then.
std::string value_of(const JobOption& option, const DetectionJob& job) {
  DetectionJob initial;
  const std::string text = option_text(option, job);
  if (text == option_text(option, initial) && !option.is_always_recorded) return {};
  const bool is_flag = std::holds_alternative<bool*>(option.field(initial));
  return is_flag && text == "true" ? kFlag : text;
}

}  // namespace

Request request_of(const DetectionJob& job) {
  const ImageOutputs& images = job.images;
  Request request = {{"model", with_checksum(job.model)},
                     {"backend", job.backend},
                     {"type", job.type},
                     {"format", job.format},
                     {"every", fmt::to_string(job.every)},
                     {"all-frames", flag(job.all_frames)},
                     {"strict", flag(job.strict)},
                     {"draw", flag(images.draw)},
                     {"blur", flag(images.blur)},
                     {"crops", flag(images.crops)},
                     {"aligned", flag(images.aligned)}};
  for (const JobOption& option : job_options()) {
    request.emplace_back(option.name, value_of(option, job));
  }
  if (job.background != ReadOptions{}.background) {
    request.emplace_back("background", fmt::format("#{:02x}", fmt::join(job.background, "")));
  }
  if (!images.sound) request.emplace_back("no-audio", kFlag);
  if (!job.recognizer_name.empty()) {
    request.emplace_back("embed", with_checksum(job.recognizer_name));
  }
  if (images.draw_style != DrawStyle::kBoxes) {
    const bool is_wire = images.draw_style == DrawStyle::kWireframe;
    request.emplace_back("draw-style", is_wire ? "wireframe" : "shaded");
  }
  if (!images.mesh_folder.empty()) {
    request.emplace_back("mesh-out", as_recorded(images.mesh_folder));
  }
  if (images.any()) request.emplace_back("out", as_recorded(images.folder));
  return request;
}

}  // namespace retinaface::pipeline
