#pragma once

#include <cstdint>
#include <span>

#include "retinaface/image.h"

#include "image/pixel_source.h"
#include "models/catalogue.h"

namespace retinaface::detection {

/// The image as a network reads it that takes pixels as they lie (runtime::Session::run_on_pixels).
PixelSource pixel_source(ImageView image, const models::Preprocessing& preprocessing);

/// Writes the image as the network takes it: three planes of height x width floats, in the
/// network's channel order, less its mean. `planes` has 3 * height * width elements; gray pixels
/// count for all three channels, alpha is ignored. Planes of more rows than the image's, or of
/// `width` > image.width, are filled up with zeros.
void preprocess(ImageView image, const models::Preprocessing& preprocessing,
                std::span<float> planes, std::int64_t width = 0);

/// The same, the channels of a pixel one after the other as runtime::TrainableNetwork takes them:
/// `values` has height x width x 3 elements.
void preprocess_interleaved(ImageView image, const models::Preprocessing& preprocessing,
                            std::span<float> values);

}  // namespace retinaface::detection
