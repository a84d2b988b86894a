#include "cli/inputs.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <iostream>
#include <iterator>
#include <sstream>
#include <string_view>
#include <system_error>

#include <glob.h>

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

void add_matches(const std::string& pattern, std::vector<Input>& inputs) {
  glob_t matches{};
  if (::glob(pattern.c_str(), 0, nullptr, &matches) == 0) {
    for (std::size_t i = 0; i < matches.gl_pathc; ++i) inputs.push_back({matches.gl_pathv[i], {}});
  } else {
    inputs.push_back({pattern, "no file has such a name"});
  }
  ::globfree(&matches);
}

}  // namespace

std::vector<std::string> read_list(const std::string& file) {
  std::string text;
  if (file == kStandardInput) {
    text.assign(std::istreambuf_iterator<char>(std::cin), {});
  } else {
    const auto bytes = read_file(file);
    text.assign(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  }
  std::vector<std::string> lines;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);) {
    if (line.ends_with('\r')) line.pop_back();
    if (!line.empty()) lines.push_back(line);
  }
  return lines;
}

std::vector<Input> find_inputs(const std::vector<std::string>& arguments) {
  std::vector<Input> inputs;
  for (const std::string& argument : arguments) {
    std::error_code ignored;
    if (fs::is_directory(argument, ignored)) {
      add_folder(argument, inputs);
    } else if (argument.find_first_of("*?[") != std::string::npos &&
               !fs::exists(argument, ignored)) {
      add_matches(argument, inputs);
    } else {
      inputs.push_back({argument, {}});
    }
  }
  return inputs;
}

}  // namespace retinaface::cli
