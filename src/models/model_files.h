#pragma once

#include <filesystem>
#include <optional>
#include <string_view>
#include <vector>

namespace retinaface::models {

/// The folders in which the file of a model, NAME.safetensors, is looked for, in this order:
/// $RETINAFACE_MODELS, if set; weights/ of the source, if this code was loaded from a build tree;
/// share/retinaface/models of the place where it is installed. The last two are relative to the
/// file that this code was loaded from: trees may be moved. They need not exist.
std::vector<std::filesystem::path> model_folders();

/// The first NAME.safetensors in these folders.
std::optional<std::filesystem::path> find_model_file(std::string_view name);

}  // namespace retinaface::models
