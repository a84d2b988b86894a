#pragma once

#include <cstddef>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>

namespace retinaface {
inline namespace internal {

/// The path's extension with its dot, the letters A to Z made small.
std::string lower_case_extension(const std::filesystem::path& path);

/// What the names of files end in, in that form. A name is a hint in folders full of other files;
/// what reads a file goes by its content.
std::span<const std::string_view> image_extensions();
std::span<const std::string_view> video_extensions();
/// Of files whose content looks like an image's (TIFF) but holds no finished one: cameras' raw
/// data.
std::span<const std::string_view> raw_extensions();

bool has_image_name(const std::filesystem::path& path);

/// Whether a file that starts with these bytes is an image that read_image knows; kImageMarkBytes
/// of them are enough. PNM is left to names: two letters of a text would do.
bool is_image(std::span<const std::byte> beginning);
inline constexpr std::size_t kImageMarkBytes = 512;

/// The same with PNM, for a file that is read as an image.
bool may_be_image(std::span<const std::byte> beginning);

}  // namespace internal
}  // namespace retinaface
