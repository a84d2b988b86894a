#include "models/model_argument.h"

#include <algorithm>
#include <system_error>

#include "base/check.h"
#include "base/file.h"
#include "models/load_model.h"
#include "models/model_files.h"

namespace retinaface::models {

void refuse_foreign_model(const std::filesystem::path& path) {
  std::error_code ignored;
  if (!std::filesystem::is_regular_file(path, ignored)) return;
  const std::string extension = path.extension().string();
  const std::string name = printable(path);
  std::filesystem::path model = path;
  model.replace_extension(".safetensors");
  if (extension == ".onnx") {
    fail(ErrorCode::kUnsupported,
         "{}: expected a .safetensors file, found an ONNX file; make a model of it: retinaface "
         "import {} -o {}",
         name, name, printable(model));
  }
  constexpr std::string_view kCheckpoints[] = {".pth", ".pt", ".tar", ".ckpt", ".bin"};
  if (std::ranges::find(kCheckpoints, extension) != std::end(kCheckpoints)) {
    fail(ErrorCode::kUnsupported,
         "{}: expected a .safetensors file, found a checkpoint; make a model of it: retinaface "
         "import {} -o {}",
         name, name, printable(model));
  }
}

graph::Weights load_weights_by_name_or_path(const std::string& name_or_path) {
  const bool is_path = file_of_model(name_or_path) == std::filesystem::path(name_or_path);
  if (!is_path) return load_model_by_name_or_path(name_or_path).weights;
  refuse_foreign_model(name_or_path);
  graph::Weights weights = graph::read_safetensors(name_or_path);
  check_format(weights, printable(name_or_path));
  take_mesh(weights);  // which other weights of the network make useless
  return weights;
}

std::shared_ptr<const Model> model_by_name_or_path(const std::string& name_or_path) {
  const auto of_catalogue = [](const Model& row) {
    return std::shared_ptr<const Model>(std::shared_ptr<const Model>(), &row);
  };
  if (const Model* const row = find_row(name_or_path)) return of_catalogue(*row);
  const LoadedModel loaded = load_model_by_name_or_path(name_or_path);
  return loaded.described != nullptr ? loaded.described : of_catalogue(*loaded.model);
}

}  // namespace retinaface::models
