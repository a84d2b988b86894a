#pragma once

#include <filesystem>
#include <nlohmann/json_fwd.hpp>

namespace retinaface::pipeline {

/// Writes figures, a JSON object, with its origin as "origin", by which OutputGuard knows the
/// file. Throws Error(kUnwritable).
void write_json_report(const std::filesystem::path& path, nlohmann::json report);

}  // namespace retinaface::pipeline
