#pragma once

#include <string>

#include "retinaface/detector.h"

#include "cli/command.h"

namespace retinaface::cli {

/// Adds --backend: what runs the model's network (runtime/backend.h). The commands that detect say
/// what one that runs two others found (print_differences); bench and serve do not.
void add_backend_option(CLI::App& app, std::string& backend, bool tells_differences = true);

/// A detector of `model`, as Detector takes it or empty for the default one, whose network the
/// backend runs, in the type that type_of takes; the best one if that is empty. Throws as Detector
/// does, and runtime::BackendRegistry::make.
Detector open_detector(const std::string& model, const std::string& backend,
                       const std::string& type = {});

/// The same, and the type that came of `type`: empty for float32, which is what nothing said means.
struct OpenedDetector {
  Detector detector;
  std::string type;
};
OpenedDetector open_typed_detector(const std::string& model, const std::string& backend,
                                   const std::string& type);

/// Says on standard error how far the outputs of the two that a backend runs were apart
/// (runtime::Backend::tells_differences); nothing for other backends.
void print_differences(const Detector& detector);

}  // namespace retinaface::cli
