#include <cstdint>
#include <span>

#include "allow_errors.h"
#include "interchange/onnx_import.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace retinaface::interchange;
  retinaface::fuzz::allow_errors([&] {
    const OnnxModel file = parse_onnx(std::as_bytes(std::span(data, size)), "input");
    import_onnx(file, {}, "input");
  });
  return 0;
}
