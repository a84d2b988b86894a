#pragma once

#include <cstddef>

namespace retinaface {
inline namespace internal {

/// Has the system back the memory now, in one call, instead of page by page when it is first
/// touched, which costs several times as much. Only a hint: nothing changes where it is refused.
void prefault(void* data, std::size_t bytes);

/// For programs, at their start: freed memory stays with the process instead of going back to the
/// system and being faulted in again for the next image, and the heap's first `warm_bytes` are
/// there at once.
void keep_freed_memory(std::size_t warm_bytes);

/// Gives freed memory back to the system and starts the count of peak_memory_bytes() anew. False
/// where the system counts from the process's start alone.
bool restart_peak_memory();

/// The most memory that the process had of the system at once since the count was started, in
/// bytes; 0 where the system does not say.
std::size_t peak_memory_bytes();

}  // namespace internal
}  // namespace retinaface
