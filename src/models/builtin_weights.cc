#include "models/builtin_weights.h"

extern "C" {
// builtin_weights.S includes weights/mnet025.safetensors between these two.
extern const std::byte retinaface_mnet025_begin[];
extern const std::byte retinaface_mnet025_end[];
}

namespace retinaface::models {

std::span<const std::byte> builtin_weights(std::string_view model) {
  if (model != "mnet025") return {};
  return {retinaface_mnet025_begin, retinaface_mnet025_end};
}

}  // namespace retinaface::models
