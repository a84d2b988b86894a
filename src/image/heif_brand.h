#pragma once

#include "image/codec.h"

namespace retinaface::codecs {

enum class HeifBrand { kNone, kHeic, kAvif };

/// What the file's own brand (ISO/IEC 14496-12, box "ftyp") says it is: one of the images of
/// ISO/IEC 23008-12, or none of them, as videos in the same container are.
HeifBrand heif_brand(Bytes bytes);

/// Whether that brand says that the images follow each other in time: of such a file the decoder
/// gives one.
bool is_heif_sequence(Bytes bytes);

}  // namespace retinaface::codecs
