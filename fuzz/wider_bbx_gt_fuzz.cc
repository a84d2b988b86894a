#include <cstdint>
#include <span>

#include "annotations.h"
#include "dataset/wider_bbx_gt.h"

using namespace retinaface;
using namespace retinaface::dataset;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto content = std::as_bytes(std::span(data, size));
  const auto parse = [](std::vector<std::byte> bytes) {
    return parse_wider_bbx_gt(TextFile(std::move(bytes), "input"));
  };
  fuzz::allow_errors([&] {
    const AnnotationSet set = parse({content.begin(), content.end()});
    fuzz::expect_round_trip(
        set, [](const AnnotationSet& s) { return format_wider_bbx_gt(s, "output"); }, parse);
  });
  return 0;
}
