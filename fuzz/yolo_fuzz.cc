#include <cstdint>
#include <span>
#include <vector>

#include "allow_errors.h"
#include "dataset/yolo.h"

using namespace retinaface;
using namespace retinaface::dataset;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto bytes = std::as_bytes(std::span(data, size));
  fuzz::allow_errors([&] {
    const YoloImage parsed = parse_yolo(TextFile({bytes.begin(), bytes.end()}, "input"), 640, 480);
    if (parsed.categories.size() != parsed.faces.size()) std::abort();
  });
  return 0;
}
