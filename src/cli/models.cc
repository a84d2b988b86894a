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

int list_models() {
  for (const models::Model& model : models::catalogue()) {
    // An option of another row is named there, unless it has weights.
    if (model.name.find('+') != std::string::npos && !models::find_model_file(model.name)) continue;
    print_row(model);
  }
  return kSuccess;
}

}  // namespace

Action declare_models(CLI::App&) {
  return list_models;
}

}  // namespace retinaface::cli
