#include <cstdint>
#include <span>

#include "annotations.h"
#include "dataset/coco.h"

using namespace retinaface;
using namespace retinaface::dataset;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto content = std::as_bytes(std::span(data, size));
  const auto parse = [](std::vector<std::byte> bytes) { return parse_coco(bytes, "input"); };
  fuzz::allow_errors([&] {
    const AnnotationSet set = parse({content.begin(), content.end()});
    fuzz::expect_round_trip(
        set, [](const AnnotationSet& s) { return format_coco(s, "output"); }, parse);
  });
  return 0;
}
