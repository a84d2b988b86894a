#include <cstdint>
#include <span>

#include "allow_errors.h"
#include "graph/weights.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  retinaface::fuzz::allow_errors(
      [&] { retinaface::graph::parse_safetensors(std::as_bytes(std::span(data, size)), "input"); });
  return 0;
}
