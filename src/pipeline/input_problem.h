#pragma once

#include <string>

#include <fmt/format.h>

#include "base/file.h"
#include "pipeline/inputs.h"

namespace retinaface::pipeline {

/// What a message says of an input with a problem: its name, '' for an empty one, and the problem.
inline std::string problem_line(const Input& input) {
  return fmt::format("{}: {}", input.path.empty() ? "''" : printable(input.path), input.problem);
}

}  // namespace retinaface::pipeline
