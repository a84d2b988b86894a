#include "runtime/training_backends/training_backends.h"

#include "runtime/autograd/autograd_network.h"
#include "runtime/backends/backends.h"
#include "runtime/torch/fused_network.h"

namespace retinaface::runtime {

const BackendRegistry& training_backends() {
  static const BackendRegistry& all = []() -> const BackendRegistry& {
    backends().add(fused_backend());
    backends().add(autograd_backend());
    return backends();
  }();
  return all;
}

}  // namespace retinaface::runtime
