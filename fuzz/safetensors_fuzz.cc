#include <cstdint>
#include <span>

#include "expect_error.h"
#include "graph/weights.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  retinaface::fuzz::expect_error_at_most(
      [&] { retinaface::graph::parse_safetensors(std::as_bytes(std::span(data, size)), "input"); });
  return 0;
}
