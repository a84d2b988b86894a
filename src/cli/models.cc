#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include <fmt/ranges.h>

#include "base/file.h"
#include "cli/command.h"
#include "graph/operators.h"
#include "models/builtin_weights.h"
#include "models/catalogue.h"
#include "models/model_files.h"
#include "runtime/backends/backends.h"

namespace retinaface::cli {
namespace {

/// What may stand behind the row's name: "+dcn, +shared-heads, +dcn+shared-heads".
std::string options_of(const models::Model& row) {
  std::vector<std::string> options;
  for (const models::Model& model : models::catalogue()) {
    if (model.name.starts_with(row.name + "+"))
      options.push_back(model.name.substr(row.name.size()));
  }
  return fmt::format("{}", fmt::join(options, ", "));
}

/// One line, and below it the file of weights, if they are in one.
void print_row(const models::Model& model) {
  const bool inside = !models::builtin_weights(model.name).empty();
  const std::optional<std::filesystem::path> file =
      inside ? std::nullopt : models::find_model_file(model.name);
  const char* const where = model.name == models::kDefaultModel ? "built in, default"
                            : inside                            ? "built in"
                            : file                              ? "in a file"
                                                                : "no weights here";
  const std::string options = options_of(model);
  fmt::print("{:<16} {:<18} {}{}\n", model.name, where, model.summary,
             options.empty() ? "" : "; also " + options);
  if (file) fmt::print("{:<16} {}\n", "", printable(*file));
}

/// Priority 0 is for those that run when they are named.
void print_backend(const runtime::Backend& backend) {
  std::vector<std::string_view> types;
  for (const graph::DataType type : backend.types) types.push_back(graph::to_string(type));
  fmt::print(
      "{:<16} priority {:<9} on {}, {}: {}{}\n", backend.name, backend.priority,
      fmt::join(backend.devices, ", "), fmt::join(types, ", "), backend.summary,
      backend.argument.empty() ? "" : fmt::format("; also {}:{}", backend.name, backend.argument));
}

int list_models() {
  for (const models::Model& model : models::catalogue()) {
    // An option of another row is named there, unless it has weights.
    if (model.name.find('+') != std::string::npos && !models::find_model_file(model.name)) continue;
    print_row(model);
  }
  fmt::print("\nBackends; the first that can runs a model, unless --backend names another:\n");
  for (const runtime::Backend& backend : runtime::backends().backends()) print_backend(backend);
  return kSuccess;
}

}  // namespace

Action declare_models(CLI::App&) {
  return list_models;
}

}  // namespace retinaface::cli
