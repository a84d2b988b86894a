#pragma once

#include "image/codecs/codec.h"

namespace retinaface::codecs {

enum class HeifBrand { kNone, kHeic, kAvif };

/// What the file's own brand (ISO/IEC 14496-12, box "ftyp") says it is: an image of ISO/IEC
/// 23008-12 in one of the two codings, or something else in the same container, a video.
HeifBrand heif_brand(Bytes bytes);

/// Whether that brand says that the images follow each other in time: of such a file the decoder
/// gives one.
bool is_heif_sequence(Bytes bytes);

}  // namespace retinaface::codecs
