#pragma once

#include <filesystem>
#include <memory>
#include <string>

#include "graph/weights.h"
#include "models/catalogue.h"

namespace retinaface::models {

// What options that take a model's name or file may be given besides a whole model, which
// load_model_by_name_or_path takes.

/// The weights alone, also of a file that holds a part of a model (a backbone). Throws Error.
graph::Weights load_weights_by_name_or_path(const std::string& name_or_path);

/// The model that a name or a .safetensors file stands for; a name needs no weights. Throws Error.
std::shared_ptr<const Model> model_by_name_or_path(const std::string& name_or_path);

/// Throws Error(kUnsupported), with the remedy, for a file whose name ends as those of other
/// programs' models do: a checkpoint of PyTorch's, ONNX.
void refuse_foreign_model(const std::filesystem::path& path);

}  // namespace retinaface::models
