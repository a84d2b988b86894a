#include "cli/program.h"
#include "cli/training/commands.h"

int main(int argc, char** argv) {
  using namespace retinaface::cli;
  static constexpr Command kCommands[] = {
      {"train", "train a detector on annotated images",
       "retinaface train recipes/mnet025-fast.toml --data wider/train --val wider/val --out run\n"
       "retinaface train recipes/mnet025-fast.toml --data wider/train --out run --resume",
       declare_training},
      {"models", "list the backends that train", "retinaface models --training",
       declare_training_backends},
  };
  // Users say `retinaface train` and `retinaface models --training`, which start this program.
  return run_program({"retinaface", "Trains face detectors.", kCommands}, argc, argv);
}
