#pragma once

#include <filesystem>
#include <nlohmann/json_fwd.hpp>
#include <string>

namespace retinaface::pipeline {

/// Writes a command's figures to a file or, for "-", to standard output. Throws
/// Error(kUnwritable).
void write_report(const std::filesystem::path& path, const std::string& text);

/// The same of a JSON object, with its origin as "origin", by which OutputGuard knows the file.
void write_json_report(const std::filesystem::path& path, nlohmann::json report);

}  // namespace retinaface::pipeline
