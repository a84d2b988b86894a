#include <fmt/format.h>

#include "cli/backend_list.h"
#include "cli/training/commands.h"
#include "runtime/training_backends/training_backends.h"

namespace retinaface::cli {

Action declare_training_backends(CLI::App&) {
  return [] {
    fmt::print("Backends that train; the first does, unless --backend names another:\n");
    for (const runtime::Backend& backend : runtime::training_backends().backends()) {
      if (backend.train) print_backend(backend);
    }
    return kSuccess;
  };
}

}  // namespace retinaface::cli
