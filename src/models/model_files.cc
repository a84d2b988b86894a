#include "models/model_files.h"

#include <cstdlib>
#include <string>

#include "base/file.h"
#include "base/own_binary.h"
#include "models/builtin_weights.h"

namespace retinaface::models {

namespace fs = std::filesystem;

std::vector<fs::path> model_folders() {
  std::vector<fs::path> folders;
  // NOLINTNEXTLINE(concurrency-mt-unsafe): nobody here sets it
  if (const char* chosen = std::getenv("RETINAFACE_MODELS"); chosen != nullptr && *chosen != '\0') {
    folders.emplace_back(chosen);
  }
  const OwnBinary binary = own_binary();
  const fs::path folder = binary.path.parent_path();
  // The relative paths are from the folders of programs and of the library (src/CMakeLists.txt).
  // An installed program must not read what lies where a build tree's source would be.
  if (path_exists(folder.parent_path() / RETINAFACE_BUILD_TREE)) {
    folders.push_back((folder / RETINAFACE_WEIGHTS_FROM_BUILT).lexically_normal());
  }
  // The same where libraries have no folder for their architecture.
  // NOLINTNEXTLINE(bugprone-branch-clone)
  folders.push_back((folder / (binary.is_program ? RETINAFACE_MODELS_FROM_PROGRAM
                                                 : RETINAFACE_MODELS_FROM_LIBRARY))
                        .lexically_normal());
  return folders;
}

std::optional<fs::path> find_model_file(std::string_view name) {
  for (const fs::path& folder : model_folders()) {
    fs::path file = folder / (std::string(name) + ".safetensors");
    if (file_exists(file)) return file;
  }
  return std::nullopt;
}

std::optional<fs::path> file_of_model(const std::string& name_or_path) {
  if (name_or_path.find_first_of("/.") != std::string::npos) return name_or_path;
  if (!builtin_weights(name_or_path).empty()) return std::nullopt;
  if (auto file = find_model_file(name_or_path)) return file;
  if (file_exists(name_or_path)) return name_or_path;
  return std::nullopt;
}

}  // namespace retinaface::models
