#include "pipeline/inputs.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdint>
#include <fstream>
#include <span>
#include <sstream>
#include <string_view>
#include <system_error>

#include <glob.h>
#include <unistd.h>

#include "base/file.h"
#include "base/stream.h"
#include "image/image_name.h"
#include "pipeline/own_output.h"
#include "video/video_kind.h"

namespace retinaface::pipeline {
namespace {

namespace fs = std::filesystem;

/// What a search of folders leaves out: what an earlier run has written to --out.
class OwnOutputs {
 public:
  OwnOutputs(const fs::path& out, const fs::path& searched) : out_(out) {
    std::error_code ignored;
    if (out.empty() || !fs::is_directory(out, ignored)) return;
    const fs::path relative = fs::relative(searched, out, ignored);
    is_around_ = !relative.empty() && *relative.begin() != "..";
    is_folder_ = true;
  }

  /// Whether it is --out itself, below the folder that is searched.
  bool is_out(const fs::directory_entry& folder) const {
    std::error_code ignored;
    return is_folder_ && !is_around_ && fs::equivalent(folder.path(), out_, ignored);
  }

  /// Whether it is one of our files, where --out is the searched folder or above it, so that our
  /// files stand among the user's.
  bool is_ours(const fs::path& file) const {
    if (!is_around_) return false;
    return is_own_output(file,
                         video::has_video_name(file) ? OutputKind::kVideo : OutputKind::kImage);
  }

 private:
  fs::path out_;
  bool is_folder_ = false;
  bool is_around_ = false;
};

/// A pipe may never end, and a camera is meant only where it is named.
constexpr const char* kNoFile =
    "expected a file in a folder that is searched, found a pipe or a device; name it itself to "
    "read it";

constexpr const char* kNotFetched =
    "images are not fetched from the network, only videos and streams are; download it first, or "
    "pipe it in: curl ADDRESS | retinaface detect -";

/// "https://host/a.jpg?x": an address that ends as the names of images do.
bool is_address_of_image(const std::string& address) {
  return has_image_name(address.substr(0, address.find_first_of("?#")));
}

/// Adds what is below a folder, and for each folder that cannot be read a problem.
void search(const fs::path& folder, const OwnOutputs& own, std::vector<Input>& inputs) {
  std::error_code error;
  for (fs::directory_iterator entry(folder, error), end; !error && entry != end;
       entry.increment(error)) {
    std::error_code ignored;  // what cannot be looked at is reported when it is read
    if (entry->is_directory(ignored)) {
      if (!entry->is_symlink(ignored) && !own.is_out(*entry)) search(entry->path(), own, inputs);
      continue;
    }
    const bool is_known = has_image_name(entry->path()) || video::has_video_name(entry->path());
    if (!is_known || own.is_ours(entry->path())) continue;
    const fs::file_status status = entry->status(ignored);
    inputs.push_back({entry->path(), fs::is_other(status) ? kNoFile : ""});
  }
  if (error) {
    inputs.push_back({folder, "not all of the folder can be read: " + error.message()});
  }
}

void add_folder(const fs::path& folder, const fs::path& out, std::vector<Input>& inputs) {
  const auto begin = static_cast<std::ptrdiff_t>(inputs.size());
  search(folder, OwnOutputs(out, folder), inputs);
  std::ranges::sort(inputs.begin() + begin, inputs.end(), {}, &Input::path);
  if (begin == static_cast<std::ptrdiff_t>(inputs.size())) {
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
  if (has_image_name(path) || path == kStandardStream) return false;
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
  constexpr std::uint64_t kMaxBytes = std::uint64_t{1} << 30;
  std::string text;
  const auto take = [&](const std::vector<std::byte>& bytes) {
    text.assign(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  };
  if (file == kStandardStream) {
    const std::atomic<bool> never = false;  // a signal still ends the program as usual
    take(read_stream(STDIN_FILENO, "standard input", kMaxBytes, never));
  } else {
    take(read_file(file, kMaxBytes));
  }
  std::vector<std::string> lines;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);) {
    if (line.ends_with('\r')) line.pop_back();
    if (!line.empty()) lines.push_back(line);
  }
  return lines;
}

std::vector<Input> find_inputs(const std::vector<std::string>& arguments, const fs::path& out) {
  std::vector<Input> inputs;
  for (const std::string& argument : arguments) {
    std::error_code ignored;
    if (video::is_stream(argument)) {
      inputs.push_back({argument, is_address_of_image(argument) ? kNotFetched : ""});
    } else if (fs::is_directory(argument, ignored)) {
      add_folder(argument, out, inputs);
    } else if (argument.find_first_of("*?[") != std::string::npos &&
               !fs::exists(argument, ignored)) {
      add_matches(argument, inputs);
    } else {
      inputs.push_back({argument, {}});
    }
  }
  return inputs;
}

}  // namespace retinaface::pipeline
