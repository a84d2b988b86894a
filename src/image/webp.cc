// WebP (RFC 9649) by libwebp.

#include <memory>
#include <new>

#include <webp/decode.h>
#include <webp/demux.h>
#include <webp/encode.h>

#include "base/check.h"
#include "image/codec.h"
#include "image/orientation.h"

namespace retinaface::codecs {
namespace {

constexpr float kQuality = 92;

bool is_webp(Bytes bytes) {
  return has_text(bytes, 0, "RIFF") && has_text(bytes, 8, "WEBP");
}

std::string_view reason_of(VP8StatusCode status) {
  switch (status) {
    case VP8_STATUS_OUT_OF_MEMORY:
      return "not enough memory";
    case VP8_STATUS_BITSTREAM_ERROR:
      return "malformed bitstream";
    case VP8_STATUS_UNSUPPORTED_FEATURE:
      return "unknown feature";
    case VP8_STATUS_NOT_ENOUGH_DATA:
      return "it ends early";
    default:
      return "it cannot be decoded";
  }
}

/// Decodes a frame to its place on the canvas.
void decode_frame(const Encoded& encoded, const WebPIterator& frame, Image& canvas) {
  WebPDecoderConfig config;
  RF_CHECK(WebPInitDecoderConfig(&config));
  if (frame.x_offset + frame.width > canvas.width() ||
      frame.y_offset + frame.height > canvas.height()) {
    encoded.fail_as_corrupt("WebP", "its first frame lies outside the image");
  }
  std::uint8_t* const first = canvas.row(frame.y_offset) + 3 * frame.x_offset;
  std::uint8_t* const end = canvas.row(canvas.height() - 1) + canvas.stride();
  config.output.colorspace = MODE_RGB;
  config.output.is_external_memory = 1;
  config.output.u.RGBA = {first, static_cast<int>(canvas.stride()),
                          static_cast<std::size_t>(end - first)};
  const VP8StatusCode status = WebPDecode(frame.fragment.bytes, frame.fragment.size, &config);
  WebPFreeDecBuffer(&config.output);
  if (status != VP8_STATUS_OK) encoded.fail_as_corrupt("WebP", reason_of(status));
}

int orientation_of(const WebPDemuxer* file) {
  WebPChunkIterator chunk;
  if (!WebPDemuxGetChunk(file, "EXIF", 1, &chunk)) return 1;
  const int orientation =
      exif_orientation(std::as_bytes(std::span(chunk.chunk.bytes, chunk.chunk.size)));
  WebPDemuxReleaseChunkIterator(&chunk);
  return orientation;
}

Decoded decode_webp(const Encoded& encoded) {
  const WebPData data = {reinterpret_cast<const std::uint8_t*>(encoded.bytes.data()),
                         encoded.bytes.size()};
  const std::unique_ptr<WebPDemuxer, decltype(&WebPDemuxDelete)> file(WebPDemux(&data),
                                                                      &WebPDemuxDelete);
  if (!file) encoded.fail_as_corrupt("WebP", "its chunks are malformed or end early");
  Decoded decoded;
  decoded.image = encoded.canvas(WebPDemuxGetI(file.get(), WEBP_FF_CANVAS_WIDTH),
                                 WebPDemuxGetI(file.get(), WEBP_FF_CANVAS_HEIGHT));
  WebPIterator frame;
  if (!WebPDemuxGetFrame(file.get(), 1, &frame)) encoded.fail_as_corrupt("WebP", "it has no frame");
  const std::unique_ptr<WebPIterator, decltype(&WebPDemuxReleaseIterator)> release(
      &frame, &WebPDemuxReleaseIterator);
  decode_frame(encoded, frame, decoded.image);
  decoded.orientation = orientation_of(file.get());
  return decoded;
}

}  // namespace

const Decoder kWebpDecoder = {"WebP", is_webp, decode_webp};

std::vector<std::byte> encode_webp(const Image& image, const std::string& name) {
  if (image.width() > WEBP_MAX_DIMENSION || image.height() > WEBP_MAX_DIMENSION) {
    fail(ErrorCode::kUnsupported, "{}: {}x{} pixels, WebP holds {} a side at most", name,
         image.width(), image.height(), WEBP_MAX_DIMENSION);
  }
  std::uint8_t* data = nullptr;
  const std::size_t size = WebPEncodeRGB(image.row(0), image.width(), image.height(),
                                         static_cast<int>(image.stride()), kQuality, &data);
  const std::unique_ptr<void, decltype(&WebPFree)> owner(data, &WebPFree);
  if (size == 0) throw std::bad_alloc();
  const auto* first = reinterpret_cast<const std::byte*>(data);
  return {first, first + size};
}

}  // namespace retinaface::codecs
