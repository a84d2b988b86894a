#pragma once

#include <cstdint>

#include "image/codecs/codec.h"

// The size that a coded image states in its own headers. A HEIF file says it once more outside,
// in its boxes, but it is this one that decoders take memory for.
namespace retinaface::codecs {

/// In pixels, each under 2^31; 0x0 where nothing is stated.
struct CodedSize {
  std::int64_t width = 0;
  std::int64_t height = 0;
};

/// The one of more pixels.
inline CodedSize larger(const CodedSize& a, const CodedSize& b) {
  return a.width * a.height < b.width * b.height ? b : a;
}

/// The largest frame that the headers of an AV1 stream, units (OBU) one after the other, ask a
/// decoder for ("AV1 Bitstream & Decoding Process Specification", 5.3 to 5.9). A frame that brings
/// a size of its own counts as the largest that it could state.
CodedSize av1_coded_size(Bytes stream);

/// The largest image of the parameter sets (SPS) of an HEVC stream, each unit after its length in
/// four bytes (ITU-T H.265, 7.3).
CodedSize hevc_coded_size(Bytes stream);

}  // namespace retinaface::codecs
