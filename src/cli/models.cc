#include <fmt/format.h>

#include "cli/command.h"
#include "graph/operators.h"
#include "models/builtin_weights.h"
#include "models/catalogue.h"

namespace retinaface::cli {
namespace {

int list_models() {
  for (const models::Model& model : models::catalogue()) {
    const bool inside = !models::builtin_weights(model.name).empty();
    const char* const where = model.name == models::kDefaultModel ? "built in, default"
                              : inside                            ? "built in"
                                                                  : "no weights here";
    fmt::print("{:<16} {:<18} {}\n", model.name, where, model.summary);
  }
  return kSuccess;
}

}  // namespace

Action declare_models(CLI::App&) {
  return list_models;
}

}  // namespace retinaface::cli
