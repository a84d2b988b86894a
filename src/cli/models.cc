#include <string>
#include <vector>

#include <fmt/ranges.h>

#include "cli/command.h"
#include "graph/operators.h"
#include "models/builtin_weights.h"
#include "models/catalogue.h"

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

int list_models() {
  for (const models::Model& model : models::catalogue()) {
    if (model.name.find('+') != std::string::npos) continue;  // an option of another row
    const bool inside = !models::builtin_weights(model.name).empty();
    const char* const where = model.name == models::kDefaultModel ? "built in, default"
                              : inside                            ? "built in"
                                                                  : "no weights here";
    const std::string options = options_of(model);
    fmt::print("{:<16} {:<18} {}{}\n", model.name, where, model.summary,
               options.empty() ? "" : "; also " + options);
  }
  return kSuccess;
}

}  // namespace

Action declare_models(CLI::App&) {
  return list_models;
}

}  // namespace retinaface::cli
