#include "runtime/cpu/one_core.h"

#include <omp.h>

namespace retinaface::runtime::cpu {

OneCore::OneCore() : before_(omp_get_max_threads()) {
  omp_set_num_threads(1);
}

OneCore::~OneCore() {
  omp_set_num_threads(before_);
}

}  // namespace retinaface::runtime::cpu
