// WebP (RFC 9649) by libwebp.

#include <algorithm>
#include <memory>
#include <new>
#include <span>
#include <utility>
#include <vector>

#include <webp/decode.h>
#include <webp/demux.h>
#include <webp/encode.h>

#include "base/check.h"
#include "image/codecs/codec.h"
#include "image/codecs/orientation.h"

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

/// Decodes a frame to its place on the canvas, of pixels of 3 or 4 bytes without padding.
void decode_frame(const Encoded& encoded, const WebPIterator& frame, int width, int height,
                  bool has_alpha, std::span<std::uint8_t> canvas) {
  WebPDecoderConfig config;
  RF_CHECK(WebPInitDecoderConfig(&config));
  if (frame.x_offset + frame.width > width || frame.y_offset + frame.height > height) {
    encoded.fail_as_corrupt("WebP", "its first frame lies outside the image");
  }
  const std::size_t pixel = has_alpha ? 4 : 3;
  const std::size_t stride = pixel * static_cast<std::size_t>(width);
  const auto part = canvas.subspan(static_cast<std::size_t>(frame.y_offset) * stride +
                                   static_cast<std::size_t>(frame.x_offset) * pixel);
  config.output.colorspace = has_alpha ? MODE_RGBA : MODE_RGB;
  config.output.is_external_memory = 1;
  config.output.u.RGBA = {part.data(), static_cast<int>(stride), part.size()};
  const VP8StatusCode status = WebPDecode(frame.fragment.bytes, frame.fragment.size, &config);
  WebPFreeDecBuffer(&config.output);
  if (status == VP8_STATUS_UNSUPPORTED_FEATURE) {
    encoded.fail_as_unsupported("WebP", reason_of(status));
  }
  if (status != VP8_STATUS_OK) encoded.fail_as_corrupt("WebP", reason_of(status));
}

/// The content of a chunk; empty if there is none.
std::vector<std::byte> chunk_of(const WebPDemuxer* file, const char* name) {
  WebPChunkIterator chunk;
  if (!WebPDemuxGetChunk(file, name, 1, &chunk)) return {};
  const auto bytes = std::as_bytes(std::span(chunk.chunk.bytes, chunk.chunk.size));
  std::vector<std::byte> content(bytes.begin(), bytes.end());
  WebPDemuxReleaseChunkIterator(&chunk);
  return content;
}

using Demuxer = std::unique_ptr<WebPDemuxer, decltype(&WebPDemuxDelete)>;

WebPData data_of(const Encoded& encoded) {
  return {reinterpret_cast<const std::uint8_t*>(encoded.bytes.data()), encoded.bytes.size()};
}

Decoded decode_webp(const Encoded& encoded) {
  const WebPData data = data_of(encoded);
  const Demuxer file(WebPDemux(&data), &WebPDemuxDelete);
  if (!file) encoded.fail_as_corrupt("WebP", "its chunks are malformed or end early");
  Decoded decoded;
  decoded.image = encoded.canvas(WebPDemuxGetI(file.get(), WEBP_FF_CANVAS_WIDTH),
                                 WebPDemuxGetI(file.get(), WEBP_FF_CANVAS_HEIGHT));
  WebPIterator frame;
  if (!WebPDemuxGetFrame(file.get(), 1, &frame)) encoded.fail_as_corrupt("WebP", "it has no frame");
  const std::unique_ptr<WebPIterator, decltype(&WebPDemuxReleaseIterator)> release(
      &frame, &WebPDemuxReleaseIterator);
  Image& image = decoded.image;
  const std::size_t pixels =
      static_cast<std::size_t>(image.width()) * static_cast<std::size_t>(image.height());
  // What the frame leaves free of the canvas is transparent.
  const bool is_whole = frame.width == image.width() && frame.height == image.height();
  if (frame.has_alpha != 0 || !is_whole) {
    std::vector<std::uint8_t> rgba(4 * pixels);
    decode_frame(encoded, frame, image.width(), image.height(), true, rgba);
    decoded.take_rgba(rgba);
  } else {
    decode_frame(encoded, frame, image.width(), image.height(), false, {image.row(0), 3 * pixels});
  }
  decoded.icc_profile = chunk_of(file.get(), "ICCP");
  const std::vector<std::byte> exif = chunk_of(file.get(), "EXIF");
  decoded.take_exif(exif);
  return decoded;
}

FrameCount count_webp(const Encoded& encoded) {
  const WebPData data = data_of(encoded);
  const Demuxer file(WebPDemux(&data), &WebPDemuxDelete);
  return {.frames =
              file ? std::max<std::int64_t>(1, WebPDemuxGetI(file.get(), WEBP_FF_FRAME_COUNT)) : 1};
}

class WebpReader : public FrameReader {
 public:
  explicit WebpReader(const Encoded& encoded)
      : encoded_(encoded), decoder_(nullptr, &WebPAnimDecoderDelete) {
    const WebPData data = data_of(encoded);
    const Demuxer file(WebPDemux(&data), &WebPDemuxDelete);
    if (!file) encoded.fail_as_corrupt("WebP", "its chunks are malformed or end early");
    encoded.check_size(WebPDemuxGetI(file.get(), WEBP_FF_CANVAS_WIDTH),
                       WebPDemuxGetI(file.get(), WEBP_FF_CANVAS_HEIGHT));
    icc_profile_ = chunk_of(file.get(), "ICCP");
    WebPAnimDecoderOptions options;
    RF_CHECK(WebPAnimDecoderOptionsInit(&options));
    options.color_mode = MODE_RGBA;
    decoder_.reset(WebPAnimDecoderNew(&data, &options));
    if (!decoder_ || !WebPAnimDecoderGetInfo(decoder_.get(), &info_)) {
      encoded.fail_as_corrupt("WebP", "its chunks are malformed or end early");
    }
  }

  std::optional<DecodedFrame> next() override {
    if (!WebPAnimDecoderHasMoreFrames(decoder_.get())) return std::nullopt;
    std::uint8_t* rgba = nullptr;
    int end_ms = 0;
    if (!WebPAnimDecoderGetNext(decoder_.get(), &rgba, &end_ms)) {
      encoded_.fail_as_corrupt("WebP", "a frame cannot be decoded");
    }
    DecodedFrame frame;
    frame.decoded.image = encoded_.canvas(info_.canvas_width, info_.canvas_height);
    frame.decoded.take_rgba({rgba, std::size_t{4} * info_.canvas_width * info_.canvas_height});
    frame.decoded.icc_profile = icc_profile_;
    frame.duration_s = (end_ms - std::exchange(end_ms_, end_ms)) / 1000.0;
    return frame;
  }

 private:
  const Encoded& encoded_;
  std::unique_ptr<WebPAnimDecoder, decltype(&WebPAnimDecoderDelete)> decoder_;
  WebPAnimInfo info_{};
  std::vector<std::byte> icc_profile_;
  int end_ms_ = 0;
};

std::unique_ptr<FrameReader> open_webp(const Encoded& encoded) {
  return std::make_unique<WebpReader>(encoded);
}

}  // namespace

const Decoder kWebpDecoder = {"WebP", is_webp, decode_webp, count_webp, open_webp};

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
