#include "base/memory.h"

#include <cstdint>
#include <cstdlib>
#include <fstream>
#include <string>

#include <malloc.h>
#include <sys/mman.h>
#include <unistd.h>

namespace retinaface {
inline namespace internal {

namespace {

/// madvise on the whole pages of it.
void advise(void* data, std::size_t bytes, int advice) {
  const auto page = static_cast<std::uintptr_t>(::sysconf(_SC_PAGESIZE));
  const auto address = reinterpret_cast<std::uintptr_t>(data);
  const std::uintptr_t begin = (address + page - 1) / page * page;
  const std::uintptr_t end = (address + bytes) / page * page;
  if (begin < end) ::madvise(static_cast<char*>(data) + (begin - address), end - begin, advice);
}

}  // namespace

void prefault(void* data, std::size_t bytes) {
#if defined(MADV_POPULATE_WRITE)
  constexpr int kPopulate = MADV_POPULATE_WRITE;
#else
  constexpr int kPopulate = 23;  // Linux 5.14; the C library's headers may be older
#endif
  advise(data, bytes, kPopulate);
}

void keep_freed_memory(std::size_t warm_bytes) {
  constexpr int kLargestThreshold = 32 << 20;  // glibc refuses more
  constexpr int kKept = 256 << 20;
  ::mallopt(M_MMAP_THRESHOLD, kLargestThreshold);
  ::mallopt(M_TRIM_THRESHOLD, kKept);
  if (void* const warm = std::malloc(warm_bytes)) {
    // In pages of 2 MB, as far as there are such: ten of them cost a half of 5,000 small ones. (Of
    // the hundreds of MB that a large image takes they cost twice as much.)
    advise(warm, warm_bytes, MADV_HUGEPAGE);
    prefault(warm, warm_bytes);
    std::free(warm);
  }
}

bool restart_peak_memory() {
  ::malloc_trim(0);
  std::ofstream file("/proc/self/clear_refs");  // proc(5): 5 resets the peak
  file << "5\n" << std::flush;
  return file.good();
}

std::size_t peak_memory_bytes() {
  std::ifstream file("/proc/self/status");
  for (std::string word; file >> word;) {
    if (std::size_t kilobytes = 0; word == "VmHWM:" && file >> kilobytes) return kilobytes << 10;
  }
  return 0;
}

}  // namespace internal
}  // namespace retinaface
