#include "cli/inputs.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <string_view>
#include <system_error>

#include "base/file.h"

namespace retinaface::cli {
namespace {

namespace fs = std::filesystem;

bool has_picture_name(const fs::path& path) {
  constexpr std::array<std::string_view, 16> kExtensions = {
      ".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".webp", ".tif",  ".tiff",
      ".bmp", ".gif",  ".pnm", ".pbm",  ".pgm", ".ppm",  ".heic", ".avif"};
  std::string extension = path.extension().string();
  std::ranges::transform(extension, extension.begin(),
                         [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return std::ranges::find(kExtensions, extension) != kExtensions.end();
}

void add_folder(const fs::path& folder, std::vector<Input>& inputs) {
  const auto begin = static_cast<std::ptrdiff_t>(inputs.size());
  std::error_code error;
  fs::recursive_directory_iterator entry(folder, error);
  while (!error && entry != fs::recursive_directory_iterator()) {
    std::error_code ignored;  // what cannot be looked at is reported when it is read
    if (has_picture_name(entry->path()) && !entry->is_directory(ignored)) {
      inputs.push_back({entry->path(), {}});
    }
    entry.increment(error);
  }
  std::ranges::sort(inputs.begin() + begin, inputs.end(), {}, &Input::path);
  if (error) {
    inputs.push_back({folder, "not all of the folder can be read: " + error.message()});
  } else if (begin == static_cast<std::ptrdiff_t>(inputs.size())) {
    inputs.push_back({folder, "expected pictures in the folder, found none"});
  }
}

}  // namespace

std::vector<Input> find_inputs(const std::vector<std::string>& arguments) {
  std::vector<Input> inputs;
  for (const std::string& argument : arguments) {
    std::error_code ignored;
    if (fs::is_directory(argument, ignored)) {
      add_folder(argument, inputs);
    } else {
      inputs.push_back({argument, {}});
    }
  }
  return inputs;
}

}  // namespace retinaface::cli
