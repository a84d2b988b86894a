#include "runtime/training_backends/process_settings.h"

#include <ATen/Parallel.h>
#include <malloc.h>

#include "base/check.h"

namespace retinaface::runtime {

void set_threads(int threads) {
  RF_CHECK(threads >= 1);
  at::set_num_threads(threads);
}

void keep_step_memory() {
  mallopt(M_MMAP_MAX, 0);
  mallopt(M_TRIM_THRESHOLD, -1);  // never; a step of float32 frees more than an int can say
  mallopt(M_TOP_PAD, 64 << 20);
}

}  // namespace retinaface::runtime
