#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace retinaface::cli {

/// One picture to work on, or one argument that leads to none.
struct Input {
  std::filesystem::path path;  ///< as found: the argument itself, or argument / path below it
  std::string problem;         ///< why there is nothing to read, empty if there may be
};

/// The pictures that the arguments stand for, in their order: files as they are, folders with all
/// files below them whose names end like a picture's, sorted by path. A folder that holds none or
/// cannot be read becomes an Input with a problem.
std::vector<Input> find_inputs(const std::vector<std::string>& arguments);

}  // namespace retinaface::cli
