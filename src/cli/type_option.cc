#include "cli/type_option.h"

#include "cli/values.h"
#include "runtime/backends/type_name.h"

namespace retinaface::cli {

void add_type_option(CLI::App& app, std::string& type) {
  app.add_option("--type", type,
                 "numbers that the network computes in (default: float32); auto takes the fastest "
                 "that the processor and the model have and that is as accurate to within bounds; "
                 "int8 needs a model with calibration: `retinaface quantize`")
      ->check(one_of(runtime::type_names()));
}

}  // namespace retinaface::cli
