#include <string>
#include <vector>

#include "cli/command.h"
#include "cli/trainer.h"

namespace retinaface::cli {

Action declare_train(CLI::App& app) {
  // All options, --help too, are the other program's.
  app.set_help_flag();
  app.prefix_command();
  return [&app]() -> int {
    std::vector<std::string> arguments = app.remaining();
    arguments.insert(arguments.begin(), "train");
    become_trainer(arguments);
  };
}

}  // namespace retinaface::cli
