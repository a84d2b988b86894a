#pragma once

#include <cstddef>
#include <filesystem>
#include <optional>
#include <span>

namespace retinaface {
inline namespace internal {

/// The sides of an image in pixels, as its file has them, without turning.
struct StoredSize {
  int width = 0;
  int height = 0;
};

/// Read from the header of a JPEG, PNG or WebP, whose pixels may be damaged; nothing for others.
std::optional<StoredSize> stated_size(std::span<const std::byte> encoded);

/// Read from the header of a JPEG, PNG or WebP file, whose pixels may be damaged; of other files by
/// decoding them. Throws Error as read_image.
StoredSize stored_size(const std::filesystem::path& path);

}  // namespace internal
}  // namespace retinaface
