#include <cstddef>

#include "base/memory.h"
#include "cli/program.h"

int main(int argc, char** argv) {
  using namespace retinaface::cli;
  // What the default model takes, with a small image beside it.
  constexpr std::size_t kWarmBytes = std::size_t{20} << 20;
  retinaface::keep_freed_memory(kWarmBytes);
  return run_program(
      {"retinaface", "Finds faces and their five points in images and videos.", commands()}, argc,
      argv);
}
