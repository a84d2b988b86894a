#include "evaluation/wider_files.h"

#include <algorithm>
#include <set>
#include <string>
#include <system_error>
#include <unordered_map>
#include <vector>

#include "base/check.h"
#include "base/file.h"
#include "image/codecs/image_name.h"

namespace retinaface::evaluation {
namespace {

namespace fs = std::filesystem;

/// The files of one event's folder by name; none when it does not exist.
std::set<fs::path> files_in(const fs::path& folder, std::span<const std::string_view> extensions) {
  std::set<fs::path> files;
  std::error_code error;
  for (fs::directory_iterator it(folder, error), end; !error && it != end; it.increment(error)) {
    const std::string extension = lower_case_extension(it->path());
    if (std::ranges::find(extensions, extension) != extensions.end()) files.insert(it->path());
  }
  if (error && error != std::errc::no_such_file_or_directory) {
    fail(ErrorCode::kUnreadable, "{}: {}", printable(folder), error.message());
  }
  return files;
}

}  // namespace

WiderFiles find_wider_files(const WiderGroundTruth& truth, const fs::path& folder,
                            std::span<const std::string_view> extensions) {
  if (!folder_exists(folder)) {
    fail(ErrorCode::kNotFound, "{}: expected a folder", printable(folder));
  }
  std::vector<std::unordered_map<std::string, std::size_t>> images(truth.events.size());
  for (std::size_t i = 0; i < truth.images.size(); ++i) {
    images[truth.images[i].event].emplace(truth.images[i].name, i);
  }
  WiderFiles result;
  for (std::size_t event = 0; event < truth.events.size(); ++event) {
    for (const fs::path& path : files_in(folder / truth.events[event], extensions)) {
      const auto image = images[event].find(path.stem().string());
      if (image == images[event].end()) {
        ++result.unknown;
      } else {
        result.by_image.emplace(image->second, path);
      }
    }
  }
  if (result.by_image.empty()) {
    fail(ErrorCode::kBadData, "{}: expected files like {}/{}{}, found none", printable(folder),
         truth.events.empty() ? "EVENT" : truth.events.front(),
         truth.images.empty() ? "NAME" : truth.images.front().name, extensions.front());
  }
  return result;
}

}  // namespace retinaface::evaluation
