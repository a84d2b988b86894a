#pragma once

#include <filesystem>
#include <span>
#include <string>
#include <string_view>

namespace retinaface {

/// The path's extension with its dot, the letters A to Z made small.
std::string lower_case_extension(const std::filesystem::path& path);

/// What the names of images end in, in that form. A name is a hint in folders full of other files;
/// read_image goes by the content.
std::span<const std::string_view> image_extensions();

bool has_image_name(const std::filesystem::path& path);

}  // namespace retinaface
