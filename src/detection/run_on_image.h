#pragma once

#include <cstdint>

#include "retinaface/image.h"

#include "models/catalogue.h"
#include "runtime/runtime.h"

namespace retinaface::detection {

/// Runs a network on an image, which it sees as `height` x `width` cells, what is beyond the image
/// being 0: on its pixels as they lie where it can, else on planes that are prepared before.
void run_on_image(runtime::Session& session, ImageView image,
                  const models::Preprocessing& preprocessing, std::int64_t height,
                  std::int64_t width);

}  // namespace retinaface::detection
