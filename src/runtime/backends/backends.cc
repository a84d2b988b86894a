#include "runtime/backends/backends.h"

#include <utility>

#include "runtime/backends/compare.h"
#include "runtime/cpu/cpu.h"
#include "runtime/reference/reference.h"

namespace retinaface::runtime {

BackendRegistry& backends() {
  static BackendRegistry registry = [] {
    std::vector<Backend> all;
    all.push_back(cpu_backend());
    all.push_back(reference_backend());
    all.push_back(compare_backend([]() -> const BackendRegistry& { return backends(); }));
    return BackendRegistry(std::move(all));
  }();
  return registry;
}

}  // namespace retinaface::runtime
