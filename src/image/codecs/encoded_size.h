#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <vector>

namespace retinaface {
inline namespace internal {

/// How many bytes the file of an image may have: no format needs more than eight a pixel (16 bits,
/// four channels), metadata aside; what is larger is no image that could be accepted, and is not
/// read.
std::uint64_t max_encoded_bytes(std::int64_t max_pixels);

/// The file of an image, as read_named_file gives it; of a file that no decoder knows, the
/// beginning alone, by which decode_image refuses it.
std::vector<std::byte> read_image_file(const std::filesystem::path& path, std::int64_t max_pixels);

}  // namespace internal
}  // namespace retinaface
