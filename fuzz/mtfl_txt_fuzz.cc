#include <cstdint>
#include <span>

#include "allow_errors.h"
#include "dataset/point_label.h"

using namespace retinaface;
using namespace retinaface::dataset;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto content = std::as_bytes(std::span(data, size));
  fuzz::allow_errors([&] {
    const auto faces = parse_mtfl_txt(TextFile({content.begin(), content.end()}, "input"));
    if (annotations_of(faces).size() != faces.size()) std::abort();
  });
  return 0;
}
