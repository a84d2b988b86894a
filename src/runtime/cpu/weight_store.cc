#include "runtime/cpu/weight_store.h"

#include "runtime/cpu/library.h"

namespace retinaface::runtime::cpu {

using dnnl::memory;

std::shared_ptr<const memory> WeightStore::get(const graph::Tensor& tensor,
                                               const memory::desc& plain,
                                               const memory::desc& wanted) {
  const std::lock_guard lock(mutex_);
  const auto [begin, end] = entries_.equal_range(&tensor);
  for (auto entry = begin; entry != end; ++entry) {
    if (entry->second.desc != wanted) continue;
    if (auto found = entry->second.memory.lock()) return found;
    entries_.erase(entry);
    break;
  }
  // oneDNN takes data that it only reads by a pointer to non-const.
  memory source(plain, library_engine(), const_cast<std::byte*>(tensor.bytes.data()));
  auto result = std::make_shared<memory>(wanted, library_engine());
  dnnl::stream stream(library_engine());
  dnnl::reorder(source, *result).execute(stream, source, *result);
  stream.wait();
  entries_.emplace(&tensor, Entry{wanted, result});
  return result;
}

}  // namespace retinaface::runtime::cpu
