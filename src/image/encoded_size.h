#pragma once

#include <cstdint>

namespace retinaface {
inline namespace internal {

/// How many bytes the file of an image may have: no format needs more than eight a pixel (16 bits,
/// four channels), metadata aside; what is larger is no image that could be accepted, and is not
/// read.
std::uint64_t max_encoded_bytes(std::int64_t max_pixels);

}  // namespace internal
}  // namespace retinaface
