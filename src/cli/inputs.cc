#include "cli/inputs.h"

#include <algorithm>
#include <array>
#include <fstream>
#include <iostream>
#include <iterator>
#include <span>
#include <sstream>
#include <string_view>
#include <system_error>

#include <glob.h>

#include "base/file.h"
#include "image/image_name.h"
#include "video/video_kind.h"

namespace retinaface::cli {
namespace {

namespace fs = std::filesystem;

void add_folder(const fs::path& folder, std::vector<Input>& inputs) {
  const auto begin = static_cast<std::ptrdiff_t>(inputs.size());
  std::error_code error;
  fs::recursive_directory_iterator entry(folder, error);
  while (!error && entry != fs::recursive_directory_iterator()) {
    std::error_code ignored;  // what cannot be looked at is reported when it is read
    const bool is_known = has_image_name(entry->path()) || video::has_video_name(entry->path());
    if (is_known && !entry->is_directory(ignored)) {
      inputs.push_back({entry->path(), {}});
    }
    entry.increment(error);
  }
  std::ranges::sort(inputs.begin() + begin, inputs.end(), {}, &Input::path);
  if (error) {
    inputs.push_back({folder, "not all of the folder can be read: " + error.message()});
  } else if (begin == static_cast<std::ptrdiff_t>(inputs.size())) {
    inputs.push_back({folder, "expected images or videos in the folder, found none"});
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

bool leads_to_video(const fs::path& path) {
  if (has_image_name(path) || path == kStandardInput) return false;
  if (video::has_video_name(path) || video::is_stream(path.string()) || video::is_camera(path)) {
    return true;
  }
  std::error_code ignored;
  if (!fs::is_regular_file(path, ignored)) return false;  // a pipe gives its first bytes but once
  std::array<char, video::kVideoMarkBytes> beginning{};
  std::ifstream file(path, std::ios::binary);
  file.read(beginning.data(), beginning.size());
  return video::is_video(
      std::as_bytes(std::span(beginning)).first(static_cast<std::size_t>(file.gcount())));
}

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
    if (video::is_stream(argument)) {
      inputs.push_back({argument, {}});
    } else if (fs::is_directory(argument, ignored)) {
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
