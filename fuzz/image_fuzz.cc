#include <cstddef>
#include <cstdint>
#include <span>

#include "retinaface/image.h"

#include "allow_errors.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  retinaface::ReadOptions options;
  options.max_pixels = 1 << 18;
  retinaface::fuzz::allow_errors(
      [&] { retinaface::decode_image(std::as_bytes(std::span(data, size)), options, "image"); });
  return 0;
}
