#pragma once

#include <cstddef>
#include <span>
#include <string_view>

namespace retinaface::models {

/// The .safetensors file that was linked in for the model, as bytes; empty if there is none.
std::span<const std::byte> builtin_weights(std::string_view model);

}  // namespace retinaface::models
