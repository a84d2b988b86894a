#include "cli/backend_list.h"

#include <string>
#include <string_view>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace retinaface::cli {

void print_backend(const runtime::Backend& backend) {
  std::vector<std::string_view> types;
  for (const graph::DataType type : backend.types) types.push_back(graph::to_string(type));
  fmt::print(
      "{:<16} priority {:<9} on {}, {}: {}{}\n", backend.name, backend.priority,
      fmt::join(backend.devices, ", "), fmt::join(types, ", "), backend.summary,
      backend.argument.empty() ? "" : fmt::format("; also {}:{}", backend.name, backend.argument));
}

}  // namespace retinaface::cli
