#pragma once

#include <cstdint>
#include <string_view>

namespace retinaface {
inline namespace internal {

/// CRC-32C (Castagnoli), as RFC 3720 has it in appendix B.4: what TFRecord files are guarded by.
std::uint32_t crc32c(std::string_view bytes);

}  // namespace internal
}  // namespace retinaface
