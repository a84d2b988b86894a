#pragma once

#include <array>
#include <optional>
#include <string>

#include "interchange/onnx_model.h"
#include "models/load_model.h"

namespace retinaface::interchange {

/// What the network takes, where the file's family says otherwise or nothing: of 8-bit values x in
/// the order of `bgr`, (x - mean) * scale.
struct OnnxImageOptions {
  std::optional<bool> bgr = {};
  std::optional<std::array<float, 3>> mean = {};
  std::optional<float> scale = {};
};

/// Makes a model of a file's network (doc/import.md): a detector of a family that its outputs tell,
/// or a recogniser. Throws Error, the message starting with `source`: what read_network throws,
/// kUnsupported where the outputs are of no known family, and kInvalidArgument for options with an
/// export of a model of the catalogue, whose image nothing can change.
models::LoadedModel import_onnx(const OnnxModel& file, const OnnxImageOptions& options,
                                const std::string& source);

}  // namespace retinaface::interchange
