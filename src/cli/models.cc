#include <memory>
#include <string>
#include <vector>

#include <fmt/ranges.h>

#include "retinaface/model_info.h"

#include "base/file.h"
#include "cli/backend_list.h"
#include "cli/command.h"
#include "cli/trainer.h"
#include "models/catalogue.h"
#include "runtime/backends/backends.h"

namespace retinaface::cli {
namespace {

/// What may stand behind the row's name: "+dcn, +shared-heads, +dcn+shared-heads".
std::string options_of(const ModelInfo& row, const std::vector<ModelInfo>& models) {
  std::vector<std::string> options;
  for (const ModelInfo& model : models) {
    if (model.name.starts_with(row.name + "+"))
      options.push_back(model.name.substr(row.name.size()));
  }
  return fmt::format("{}", fmt::join(options, ", "));
}

/// One line, and below it the file of weights, if they are in one.
void print_row(const ModelInfo& model, const std::vector<ModelInfo>& models) {
  const bool is_file = model.weights_origin == WeightsOrigin::kFile;
  const char* const where = model.name == models::kDefaultModel               ? "built in, default"
                            : model.weights_origin == WeightsOrigin::kBuiltIn ? "built in"
                            : is_file                                         ? "in a file"
                                                                              : "no weights here";
  const std::string options = options_of(model, models);
  fmt::print("{:<16} {:<18} {}{}\n", model.name, where, model.summary,
             options.empty() ? "" : "; also " + options);
  if (is_file) fmt::print("{:<16} {}\n", "", printable(model.weights_source));
}

int list_models() {
  const std::vector<ModelInfo> models = known_models();
  for (const ModelInfo& model : models) {
    // An option of another row is named there, unless it has weights.
    const bool has_weights = model.weights_origin != WeightsOrigin::kNone;
    if (model.name.find('+') != std::string::npos && !has_weights) continue;
    print_row(model, models);
  }
  fmt::print("\nBackends; the first that can runs a model, unless --backend names another:\n");
  for (const runtime::Backend& backend : runtime::backends().backends()) print_backend(backend);
  if (has_trainer()) fmt::print("\n`retinaface models --training` lists those that train.\n");
  return kSuccess;
}

}  // namespace

Action declare_models(CLI::App& app) {
  const auto training = std::make_shared<bool>(false);
  app.add_flag("--training", *training, "list the backends that train instead");
  return [training] {
    if (*training) become_trainer({"models"});
    return list_models();
  };
}

}  // namespace retinaface::cli
