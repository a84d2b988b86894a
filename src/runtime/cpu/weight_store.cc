#include "runtime/cpu/weight_store.h"

#include <cstring>

#include "runtime/cpu/library.h"

namespace retinaface::runtime::cpu {

using dnnl::memory;

std::shared_ptr<const memory> WeightStore::get(const graph::Tensor& tensor,
                                               const memory::desc& plain,
                                               const memory::desc& filled,
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
  memory whole = source;
  if (filled != plain) {
    whole = memory(filled, library_engine());
    std::memset(whole.get_data_handle(), 0, filled.get_size());
    const memory::dims start(plain.dims().size(), 0);
    memory part(filled.submemory_desc(plain.dims(), start), library_engine(),
                whole.get_data_handle());
    dnnl::reorder(source, part).execute(stream, source, part);
    stream.wait();
  }
  dnnl::reorder(whole, *result).execute(stream, whole, *result);
  stream.wait();
  entries_.emplace(&tensor, Entry{wanted, result});
  return result;
}

}  // namespace retinaface::runtime::cpu
