#include <cstdint>
#include <span>

#include "annotations.h"
#include "dataset/voc.h"

using namespace retinaface;
using namespace retinaface::dataset;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  fuzz::allow_errors([&] {
    const VocImage parsed = parse_voc(std::as_bytes(std::span(data, size)), "input");
    if (parsed.categories.size() != parsed.image.faces.size()) std::abort();
    // Paths are formatted_voc's affair: it makes files of them.
    AnnotatedImage image = parsed.image;
    image.path = "a.jpg";
    fuzz::expect_round_trip(
        {image}, [](const AnnotationSet& set) { return format_voc(set.front()); },
        [](const std::vector<std::byte>& bytes) {
          return AnnotationSet{parse_voc(bytes, "input").image};
        });
  });
  return 0;
}
