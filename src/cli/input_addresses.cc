#include "cli/input_addresses.h"

#include <string>
#include <string_view>

#include <fmt/format.h>

#include "base/file.h"

namespace retinaface::cli {

void explain_addresses(std::vector<pipeline::Input>& inputs, bool takes_streams) {
  constexpr std::string_view kFile = "file://";
  for (pipeline::Input& input : inputs) {
    const std::string name = input.path.string();
    if (name.find("://") == std::string::npos || path_exists(input.path)) continue;
    if (takes_streams && input.problem.empty()) continue;
    if (name.starts_with(kFile)) {
      input.problem = fmt::format("expected a path, found an address; give it without {}: {}",
                                  kFile, excerpt(std::string_view(name).substr(kFile.size())));
    } else if (!takes_streams) {
      input.problem = "images are not fetched from the network; download it first";
    }
  }
}

}  // namespace retinaface::cli
