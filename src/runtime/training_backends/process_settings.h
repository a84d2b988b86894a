#pragma once

namespace retinaface::runtime {

/// Threads that all networks of the process use together, at least 1.
void set_threads(int threads);

/// Tells the allocator to keep freed memory for the next step instead of handing it back to the
/// system, which costs a third of the time otherwise. For programs that train, at their start.
void keep_step_memory();

}  // namespace retinaface::runtime
