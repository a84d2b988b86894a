#pragma once

#include <filesystem>
#include <optional>
#include <string>
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

/// The file of weights that a name or path leads to, as load_model_by_name_or_path takes it: a path
/// as it is, which need not exist; a name's file in model_folders() or else in the working
/// directory. Nothing for a name whose weights are inside the library, or that leads nowhere.
std::optional<std::filesystem::path> file_of_model(const std::string& name_or_path);

}  // namespace retinaface::models
