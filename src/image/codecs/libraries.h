#pragma once

#include <string>
#include <vector>

namespace retinaface {
inline namespace internal {

/// The libraries that decode images, "libwebp 1.2.4", as far as they tell their version.
std::vector<std::string> image_libraries();

}  // namespace internal
}  // namespace retinaface
