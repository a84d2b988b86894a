#pragma once

#include <filesystem>
#include <string>

namespace retinaface::pipeline {

/// A file's name as results have it, always valid UTF-8, so that path_of_text gives back its bytes.
/// A name of valid UTF-8 without "\\x" in it stands as it is; in any other a backslash is doubled
/// and a byte that belongs to no character is written "\\xE9".
std::string text_of_path(const std::filesystem::path& path);

/// The inverse; a text without "\\x" in it is the name itself.
std::filesystem::path path_of_text(const std::string& text);

}  // namespace retinaface::pipeline
