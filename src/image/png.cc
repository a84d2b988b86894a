// PNG (ISO/IEC 15948) by libspng.

#include <cstdlib>
#include <memory>
#include <new>

#include <spng.h>

#include "base/check.h"
#include "image/codec.h"
#include "image/orientation.h"

namespace retinaface::codecs {
namespace {

using Context = std::unique_ptr<spng_ctx, decltype(&spng_ctx_free)>;

Context make_context(int flags) {
  Context context(spng_ctx_new(flags), &spng_ctx_free);
  if (!context) throw std::bad_alloc();
  return context;
}

bool is_png(Bytes bytes) {
  return has_text(bytes, 0, "\x89PNG\r\n\x1A\n");
}

Decoded decode_png(const Encoded& encoded) {
  const Context context = make_context(0);
  const auto require = [&](int status) {
    if (status != SPNG_OK) encoded.fail_as_corrupt("PNG", spng_strerror(status));
  };
  require(spng_set_png_buffer(context.get(), encoded.bytes.data(), encoded.bytes.size()));
  // Color profiles and texts are unpacked on the way, and must not be bombs either.
  constexpr std::size_t kMaxChunkBytes = std::size_t{64} << 20;
  require(spng_set_chunk_limits(context.get(), kMaxChunkBytes, kMaxChunkBytes));
  spng_ihdr header{};
  require(spng_get_ihdr(context.get(), &header));

  Decoded decoded;
  decoded.image = encoded.canvas(header.width, header.height);
  const auto bytes = static_cast<std::size_t>(decoded.image.stride()) * header.height;
  require(spng_decode_image(context.get(), decoded.image.row(0), bytes, SPNG_FMT_RGB8, 0));
  require(spng_decode_chunks(context.get()));  // to the end: it may be cut, EXIF may stand there
  spng_exif exif{};
  if (spng_get_exif(context.get(), &exif) == SPNG_OK) {
    decoded.orientation = exif_orientation(std::as_bytes(std::span(exif.data, exif.length)));
  }
  return decoded;
}

}  // namespace

const Decoder kPngDecoder = {"PNG", is_png, decode_png};

std::vector<std::byte> encode_png(const Image& image, const std::string& name) {
  const Context context = make_context(SPNG_CTX_ENCODER);
  const auto require = [&](int status) {
    if (status == SPNG_EMEM) throw std::bad_alloc();
    if (status != SPNG_OK) {
      fail(ErrorCode::kUnsupported, "{}: cannot be written as PNG: {}", name,
           spng_strerror(status));
    }
  };
  require(spng_set_option(context.get(), SPNG_ENCODE_TO_BUFFER, 1));
  // Twice as fast as the default level for files a few per cent larger.
  require(spng_set_option(context.get(), SPNG_IMG_COMPRESSION_LEVEL, 3));
  spng_ihdr header{};
  header.width = static_cast<std::uint32_t>(image.width());
  header.height = static_cast<std::uint32_t>(image.height());
  header.bit_depth = 8;
  header.color_type = SPNG_COLOR_TYPE_TRUECOLOR;
  require(spng_set_ihdr(context.get(), &header));
  const auto bytes = static_cast<std::size_t>(image.stride()) * header.height;
  require(
      spng_encode_image(context.get(), image.row(0), bytes, SPNG_FMT_PNG, SPNG_ENCODE_FINALIZE));
  std::size_t size = 0;
  int status = SPNG_OK;
  const std::unique_ptr<void, decltype(&std::free)> data(
      spng_get_png_buffer(context.get(), &size, &status), &std::free);
  require(status);
  const auto* first = static_cast<const std::byte*>(data.get());
  return {first, first + size};
}

}  // namespace retinaface::codecs
