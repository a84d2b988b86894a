#include "cli/program.h"
#include "cli/training/commands.h"

int main(int argc, char** argv) {
  using namespace retinaface::cli;
  static constexpr Command kCommands[] = {
      {"train", "train a detector on annotated images",
       "retinaface train recipes/mnet025-fast.toml --data wider/train --val wider/val --out run\n"
       "retinaface train recipes/mnet025-fast.toml --data wider/train --out run --resume",
       declare_training},
  };
  // Users say `retinaface train`, which starts this program.
  return run_program({"retinaface", "Trains face detectors.", kCommands}, argc, argv);
}
