#include <cstdint>
#include <span>
#include <vector>

#include "allow_errors.h"
#include "interchange/import.h"
#include "interchange/pickle.h"

using namespace retinaface;
using namespace retinaface::interchange;

namespace {

/// Copies the tensors, but for those that strides of 0 make larger than the file.
void read_values(const PyTorchCheckpoint& checkpoint, std::size_t max_elements) {
  for (const auto& entry : checkpoint.tensors) {  // clang captures no structured binding here
    const auto& tensor = entry.second;
    std::size_t elements = 1;
    for (const std::int64_t extent : tensor.shape) {
      if (__builtin_mul_overflow(elements, static_cast<std::size_t>(extent), &elements)) return;
    }
    if (elements > max_elements) continue;
    fuzz::allow_errors([&] { to_float32(tensor, entry.first, "input"); });
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto content = std::as_bytes(std::span(data, size));
  fuzz::allow_errors([&] {
    const PyTorchCheckpoint checkpoint =
        parse_checkpoint({content.begin(), content.end()}, "input");
    read_values(checkpoint, size);
    for (const Part part : {Part::kWhole, Part::kBackbone}) {
      fuzz::allow_errors([&] { model_of(checkpoint, part); });
    }
  });
  // Pickles alone as well: in zip archives a checksum keeps most changes from the machine.
  fuzz::allow_errors([&] {
    ByteReader reader(content, "input");
    parse_pickle(reader);
  });
  return 0;
}
