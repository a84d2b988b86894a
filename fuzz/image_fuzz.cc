#include <cstddef>
#include <cstdint>
#include <span>

#include "retinaface/image.h"

#include "expect_error.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  retinaface::ReadOptions options;
  options.max_pixels = 1 << 18;
  retinaface::fuzz::expect_error_at_most(
      [&] { retinaface::decode_image(std::as_bytes(std::span(data, size)), options, "image"); });
  return 0;
}
