#include "dataset/label_files.h"

#include <algorithm>
#include <set>

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
  std::set<fs::path> known;
  for (const AnnotatedImage& image : set) {
    check_written_path(image.path, printable(folder));
    const fs::path place = label_file(folder, extension, image.path);
    if (!known.insert(place.lexically_normal()).second) {
      fail(ErrorCode::kBadData, "{}: expected one image for this file, found a second: {}",
           printable(place), excerpt(image.path));
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
