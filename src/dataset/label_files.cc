#include "dataset/label_files.h"

#include <algorithm>
#include <map>

#include "base/check.h"
#include "base/file.h"
#include "dataset/text_lines.h"

namespace retinaface::dataset {
namespace {

namespace fs = std::filesystem;

fs::path label_file(const fs::path& folder, const std::string& extension,
                    const std::string& image) {
  const fs::path path(image);
  const bool leaves = path.is_absolute() || path.filename().empty() ||
                      std::ranges::find(path, fs::path("..")) != path.end();
  if (leaves) {
    fail(ErrorCode::kBadData, "{}: expected paths of images below the set's folder, found {}",
         printable(folder), excerpt(image));
  }
  return (folder / path).replace_extension(extension);
}

}  // namespace

std::vector<fs::path> label_files(const fs::path& folder, const std::string& extension,
                                  const AnnotationSet& set) {
  std::vector<fs::path> files;
  std::map<fs::path, std::string> image_of;
  for (const AnnotatedImage& image : set) {
    check_written_path(image.path, printable(folder));
    const fs::path place = label_file(folder, extension, image.path);
    const auto [first, is_new] = image_of.try_emplace(place.lexically_normal(), image.path);
    if (!is_new) {
      fail(ErrorCode::kBadData,
           "{}: expected one image for this file, found two: {} and {}; rename one of them",
           printable(place), excerpt(first->second), excerpt(image.path));
    }
    files.push_back(place);
  }
  return files;
}

void write_files(const std::vector<SetFile>& files) {
  for (const SetFile& file : files) {
    if (file.path.has_parent_path()) make_folders(file.path.parent_path());
    write_file_atomically(file.path, file.content);
  }
}

}  // namespace retinaface::dataset
