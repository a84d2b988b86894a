#include "dataset/read_set.h"

#include <algorithm>
#include <cctype>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include <fmt/ranges.h>

#include "base/check.h"
#include "base/file.h"
#include "base/text.h"
#include "dataset/coco.h"
#include "dataset/label_txt.h"
#include "dataset/point_label.h"
#include "dataset/text_lines.h"
#include "dataset/voc.h"
#include "dataset/wider_bbx_gt.h"
#include "dataset/yolo.h"
#include "image/codecs/image_name.h"

namespace retinaface::dataset {
namespace {

namespace fs = std::filesystem;

/// The folder's files whose names start and end so, by name.
std::vector<fs::path> files_named(const fs::path& folder, std::string_view start,
                                  std::string_view end) {
  std::vector<fs::path> files;
  std::error_code error;
  for (fs::directory_iterator entry(folder, error), last; !error && entry != last;
       entry.increment(error)) {
    const std::string name = entry->path().filename().string();
    if (name.starts_with(start) && name.ends_with(end)) files.push_back(entry->path());
  }
  std::ranges::sort(files);
  return files;
}

/// The one file of that name in the folder or in `below`; empty when there is none.
fs::path only_file(const fs::path& folder, const char* below, std::string_view start,
                   std::string_view end) {
  std::vector<fs::path> files = files_named(folder, start, end);
  if (files.empty()) files = files_named(folder / below, start, end);
  if (files.size() > 1) {
    std::vector<std::string> names;
    for (const fs::path& file : files) names.push_back(printable(file.filename()));
    fail(ErrorCode::kBadData, "{}: expected one file of annotations, found {}; name one of them",
         printable(files.front().parent_path()),
         excerpt(fmt::format("{}", fmt::join(names, ", "))));
  }
  return files.empty() ? fs::path() : files.front();
}

/// "; give one of its parts: FOLDER/train, FOLDER/valid" for the folders in it that are YOLO's
/// sets, as Roboflow lays them out; empty where there are none.
std::string yolo_parts(const fs::path& folder) {
  std::vector<std::string> parts;
  for (const fs::path& part : files_named(folder, "", "")) {
    if (folder_exists(part / "labels") && folder_exists(part / "images")) {
      parts.push_back(printable(part));
    }
  }
  return parts.empty() ? "" : fmt::format("; give one of its parts: {}", fmt::join(parts, ", "));
}

/// YOLO's programs are given this file, which only says where the sets are.
[[noreturn]] void fail_as_yolo_names(const fs::path& file) {
  const fs::path folder = file.has_parent_path() ? file.parent_path() : fs::path(".");
  const std::string parts = yolo_parts(folder);
  fail(ErrorCode::kUnsupported,
       "{}: expected annotations, found a file of YOLO that names their folders{}", printable(file),
       parts.empty()
           ? fmt::format("; give the folder that has labels/ and images/: {}", printable(folder))
           : parts);
}

/// The annotations of a set's folder: a file, VOC's folder, or YOLO's labels/.
fs::path find_annotations(const fs::path& folder, const fs::path& images) {
  if (path_exists(folder / "label.txt")) return folder / "label.txt";
  if (folder_exists(folder / "Annotations")) return folder / "Annotations";
  fs::path file = only_file(folder, "wider_face_split", "wider_face_", "_bbx_gt.txt");
  if (file.empty()) file = only_file(folder, "annotations", "", ".json");
  if (!file.empty()) return file;
  if (const YoloFolders yolo = yolo_folders(folder, images); !yolo.labels.empty())
    return yolo.labels;
  if (!files_named(folder, "", ".xml").empty()) return folder;
  if (folder_exists(folder / "labels")) {
    fail(ErrorCode::kNotFound,
         "{}: expected YOLO's images in images/ beside labels/, found no such folder; `retinaface "
         "dataset` and `retinaface evaluate set` take another by --images",
         printable(folder));
  }
  fail(ErrorCode::kNotFound,
       "{}: expected annotations: label.txt, wider_face_*_bbx_gt.txt, COCO's .json, VOC's .xml or "
       "YOLO's labels/ beside images/{}",
       printable(folder), yolo_parts(folder));
}

bool is_count(const TextLine& line) {
  return std::ranges::all_of(line.text, [](unsigned char c) { return std::isdigit(c) != 0; });
}

/// One of the formats of plain text, told by the first lines.
std::pair<SetFormat, AnnotationSet> parse_text(const TextFile& file) {
  const auto lines = file.lines();
  if (lines.empty() || lines[0].text.starts_with('#')) {
    return {SetFormat::kLabelTxt, parse_label_txt(file)};
  }
  if (lines.size() > 1 && is_count(lines[1])) return {SetFormat::kWider, parse_wider_bbx_gt(file)};
  if (std::ranges::count(lines[0].text, ' ') >= 11) {
    return {SetFormat::kPoints, annotations_of(parse_mtfl_txt(file))};
  }
  lines[0].reject(
      "expected annotations: '# PATH' of a label.txt, a path above a number of faces as WIDER has "
      "them, COCO's JSON or VOC's XML; found '{}'",
      excerpt(lines[0].text));
}

std::pair<SetFormat, AnnotationSet> parse_file(std::vector<std::byte> content,
                                               const std::string& name,
                                               const ChosenCategories& chosen) {
  const std::string_view text = text_of(content);
  const std::size_t first = text.find_first_not_of(" \t\r\n\xEF\xBB\xBF");
  const char start = first == std::string_view::npos ? '\0' : text[first];
  if (start == '{' || start == '[') {
    return {SetFormat::kCoco, parse_coco(content, name, chosen)};
  }
  if (start == '<') return {SetFormat::kVoc, parse_voc_set(content, name, chosen)};
  return parse_text(TextFile(std::move(content), name));
}

bool holds_one_of(const fs::path& folder, const AnnotationSet& set) {
  constexpr std::size_t kTried = 20;
  const std::size_t count = std::min(set.size(), kTried);
  return std::any_of(set.begin(), set.begin() + static_cast<std::ptrdiff_t>(count),
                     [&](const AnnotatedImage& image) {
                       std::error_code ignored;
                       return fs::exists(folder / image.path, ignored);
                     });
}

/// Where the images are, `source` being the annotations' file or folder.
fs::path find_images(const fs::path& source, const AnnotationSet& set) {
  const fs::path base = folder_exists(source) ? source : source.parent_path();
  const fs::path beside = base / "..";
  const std::string stem = source.stem().string();  // instances_train2017 belongs to train2017/
  const fs::path candidates[] = {base / "images",
                                 base / "JPEGImages",
                                 base,
                                 beside / "images",
                                 beside / "JPEGImages",
                                 beside / "WIDER_train" / "images",
                                 beside / "WIDER_val" / "images",
                                 beside / stem.substr(stem.rfind('_') + 1),
                                 beside};
  const auto* const found = std::ranges::find_if(
      candidates, [&](const fs::path& folder) { return holds_one_of(folder, set); });
  return (found == std::end(candidates) ? candidates[0] : *found).lexically_normal();
}

}  // namespace

std::string_view name_of(SetFormat format) {
  switch (format) {
    case SetFormat::kLabelTxt:
      return "label";
    case SetFormat::kWider:
      return "wider";
    case SetFormat::kCoco:
      return "coco";
    case SetFormat::kVoc:
      return "voc";
    case SetFormat::kYolo:
      return "yolo";
    case SetFormat::kPoints:
      return "points";
  }
  RF_CHECK(false);
  return {};
}

FoundSet read_set(const fs::path& path, const ChosenCategories& chosen, const fs::path& images) {
  const std::string extension = lower_case_extension(path);
  if ((extension == ".yaml" || extension == ".yml") && file_exists(path)) fail_as_yolo_names(path);
  FoundSet found;
  found.source = folder_exists(path) ? find_annotations(path, images) : path;
  const auto check_has_images = [&] {
    if (!found.set.annotations.empty()) return;
    fail(ErrorCode::kBadData, "{}: expected annotations of at least one image, found none",
         printable(found.source));
  };
  if (const YoloFolders yolo = yolo_folders(found.source, images); !yolo.labels.empty()) {
    found.format = SetFormat::kYolo;
    found.set = read_yolo(yolo, chosen);
    if (found.set.annotations.empty() && !found.set.left_out.empty()) {
      fail(ErrorCode::kBadData, "{}: expected images that can be read, found none of {}: {}",
           printable(found.source), found.set.left_out.size(), found.set.left_out.front().problem);
    }
    check_has_images();
    return found;
  }
  if (folder_exists(found.source)) {
    found.format = SetFormat::kVoc;
    found.set.annotations = read_voc(found.source, chosen);
  } else {
    std::vector<std::byte> content =
        found.source == path ? read_named_file(path) : read_file(found.source);
    std::tie(found.format, found.set.annotations) =
        parse_file(std::move(content), printable(found.source), chosen);
  }
  check_has_images();
  found.set.images = images.empty() ? find_images(found.source, found.set.annotations) : images;
  return found;
}

TrainingSet read_training_set(const fs::path& path, const ChosenCategories& chosen) {
  return read_set(path, chosen).set;
}

}  // namespace retinaface::dataset
