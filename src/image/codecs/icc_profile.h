#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "retinaface/image.h"

#include "image/codecs/codec.h"

namespace retinaface::codecs {

/// Brings an image's colors from its ICC profile to sRGB, by lcms2, which is loaded when a profile
/// is first met. RGB and gray profiles; one that is damaged, is meant for other pixels, or meets no
/// lcms2 is told by encoded.warn and left out. A profile as good as sRGB changes nothing.
void apply_icc_profile(const Encoded& encoded, Bytes profile, Image& image);

/// RGB of CMYK pixels, four bytes each, 255 for full ink, row after row; by their profile or, where
/// there is none or it cannot be used, as (1 - ink) * (1 - black).
void cmyk_to_rgb(const Encoded& encoded, Bytes profile, std::span<const std::uint8_t> cmyk,
                 Image& image);

}  // namespace retinaface::codecs
