#include "cli/command.h"

namespace retinaface::cli {

Action declare_detect(CLI::App&) {
  return []() -> int { throw UsageError("not ready"); };
}

}  // namespace retinaface::cli
