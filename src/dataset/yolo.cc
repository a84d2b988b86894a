#include "dataset/yolo.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <set>
#include <system_error>
#include <tuple>
#include <utility>

#include <fmt/ranges.h>

#include "base/check.h"
#include "base/file.h"
#include "base/text.h"
#include "dataset/yolo_names.h"
#include "geometry/mirror.h"
#include "image/codecs/image_name.h"
#include "image/codecs/stored_size.h"

namespace retinaface::dataset {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kBoxNumbers = 5;  // with the class
constexpr std::size_t kPoints = std::tuple_size_v<decltype(AnnotatedFace::points)>;

/// A point given by shares of the image's sides.
Point place(const TextLine& line, float x, float y, int width, int height) {
  return line.point(x * static_cast<float>(width), y * static_cast<float>(height));
}

AnnotatedFace parse_face(const TextLine& line, const std::vector<float>& numbers, int width,
                         int height) {
  const auto image_width = static_cast<float>(width);
  const auto image_height = static_cast<float>(height);
  if (!(std::abs(numbers[1]) <= 2 && std::abs(numbers[2]) <= 2)) {
    line.reject("expected a box as shares of the image's sides, found a center at {} {}",
                numbers[1], numbers[2]);
  }
  AnnotatedFace face;
  const float box_width = numbers[3] * image_width;
  const float box_height = numbers[4] * image_height;
  face.box = line.box(numbers[1] * image_width - box_width / 2,
                      numbers[2] * image_height - box_height / 2, box_width, box_height);
  const std::size_t per_point = (numbers.size() - kBoxNumbers) / kPoints;
  for (std::size_t i = 0; i < kPoints && per_point > 0; ++i) {
    const float* const at = numbers.data() + kBoxNumbers + i * per_point;
    if (per_point == 2) {
      if (at[0] < 0 || at[1] < 0) continue;
      face.points[i] = {place(line, at[0], at[1], width, height), PointState::kVisible};
      continue;
    }
    if (at[2] != 0 && at[2] != 1 && at[2] != 2) {
      line.reject("expected a point's visibility to be 0, 1 or 2, found {}", at[2]);
    }
    if (at[2] == 0) continue;
    face.points[i] = {place(line, at[0], at[1], width, height),
                      at[2] == 1 ? PointState::kHidden : PointState::kVisible};
  }
  return face;
}

/// The files below a folder that `wanted` holds for, by path.
template <typename Wanted>
std::vector<fs::path> files_below(const fs::path& folder, Wanted wanted) {
  std::vector<fs::path> files;
  std::error_code error;
  fs::recursive_directory_iterator entry(folder, error);
  for (; !error && entry != fs::recursive_directory_iterator(); entry.increment(error)) {
    if (!entry->is_directory() && wanted(entry->path())) files.push_back(entry->path());
  }
  if (error) fail(ErrorCode::kUnreadable, "{}: {}", printable(folder), error.message());
  std::ranges::sort(files);
  return files;
}

/// Where a set of these labels may name its classes: in labels/, beside it, above labels/train and,
/// where a set is split into train/labels and valid/labels, above that.
std::vector<fs::path> folders_of_names(const fs::path& labels) {
  std::error_code ignored;
  const fs::path own = fs::weakly_canonical(labels, ignored);
  const fs::path above = own.parent_path();
  std::vector<fs::path> folders = {labels, above};
  // Not for other names: a folder of several sets may hold a file for one of them.
  constexpr std::string_view kParts[] = {"train", "val", "valid", "test"};
  const bool is_part = std::ranges::any_of(kParts, [&](std::string_view part) {
    return own.filename() == part || above.filename() == part;
  });
  if (is_part) folders.push_back(above.parent_path());
  return folders;
}

/// Names of classes by their numbers, and the file that has them; empty without one.
struct ClassNames {
  std::map<std::string, std::string> by_number;
  fs::path file;
};

ClassNames class_names(const fs::path& labels) {
  constexpr std::size_t kMaxBytes = 1 << 20;
  std::error_code ignored;
  for (const fs::path& folder : folders_of_names(labels)) {
    if (const fs::path file = folder / "classes.txt"; fs::is_regular_file(file, ignored)) {
      std::map<std::string, std::string> names;
      const TextFile text(file);
      for (const TextLine& line : text.lines()) {
        names.emplace(std::to_string(names.size()), line.text);
      }
      return {std::move(names), file};
    }
    for (const char* name : {"data.yaml", "data.yml", "dataset.yaml", "dataset.yml"}) {
      const fs::path file = folder / name;
      if (!fs::is_regular_file(file, ignored)) continue;
      const std::vector<std::byte> content = read_file(file, kMaxBytes);
      auto names = parse_yolo_names(text_of(content), printable(file));
      if (!names.empty()) return {std::move(names), file};
    }
  }
  return {};
}

std::string share(float value, int side) {
  return format_number(value / static_cast<float>(side), 6);
}

bool has_points(const AnnotatedFace& face) {
  return std::ranges::any_of(
      face.points, [](const AnnotatedPoint& point) { return point.state != PointState::kMissing; });
}

}  // namespace

YoloImage parse_yolo(const TextFile& file, int width, int height) {
  YoloImage image;
  for (const TextLine& line : file.lines()) {
    const std::vector<float> numbers = line.numbers("a class and a box");
    const std::size_t count = numbers.size();
    if (count != kBoxNumbers && count != kBoxNumbers + 2 * kPoints &&
        count != kBoxNumbers + 3 * kPoints) {
      line.reject(
          "expected a class, a box of four numbers and five points of two or three numbers, or "
          "none; found {} numbers",
          count);
    }
    if (numbers[0] < 0 || numbers[0] != std::floor(numbers[0]) || numbers[0] > 1e6F) {
      line.reject("expected the number of a class, found {}", numbers[0]);
    }
    image.categories.push_back(fmt::format("{:.0f}", numbers[0]));
    image.faces.push_back(parse_face(line, numbers, width, height));
  }
  return image;
}

YoloFolders yolo_folders(const fs::path& folder, const fs::path& images) {
  std::error_code ignored;
  if (fs::is_directory(folder / "labels", ignored)) {
    if (!images.empty()) return {folder / "labels", images};
    if (fs::is_directory(folder / "images", ignored)) return {folder / "labels", folder / "images"};
  }
  // The last part called labels, as YOLO's own programs exchange it.
  fs::path below;
  for (fs::path at = fs::weakly_canonical(folder, ignored); at.has_relative_path();
       at = at.parent_path()) {
    if (at.filename() == "labels") {
      if (!images.empty()) return {folder, images};
      fs::path beside = at.parent_path() / "images";
      if (!below.empty()) beside /= below;
      if (fs::is_directory(beside, ignored)) return {folder, beside};
      break;
    }
    below = below.empty() ? at.filename() : at.filename() / below;
  }
  return {};
}

TrainingSet read_yolo(const YoloFolders& folders, const ChosenCategories& chosen) {
  std::map<fs::path, fs::path> labels;  // by path below, without extension
  for (const fs::path& file : files_below(folders.labels, [](const fs::path& path) {
         return path.extension() == ".txt" && path.filename() != "classes.txt";
       })) {
    labels.emplace(file.lexically_relative(folders.labels).replace_extension(), file);
  }
  auto [names, names_file] = class_names(folders.labels);
  std::map<std::string, std::size_t> boxes_by_class;
  TrainingSet set{folders.images, {}};
  std::vector<std::vector<std::string>> categories;
  for (const fs::path& file : files_below(folders.images, has_image_name)) {
    const fs::path below = file.lexically_relative(folders.images);
    const auto label = labels.find(fs::path(below).replace_extension());
    AnnotatedImage image{.path = below.generic_string(), .faces = {}};
    YoloImage parsed;
    if (label != labels.end()) {
      try {
        const StoredSize size = stored_size(file);
        image.width = size.width;
        image.height = size.height;
      } catch (const Error& error) {
        const bool missing = error.code() == ErrorCode::kNotFound;
        set.left_out.push_back({missing, error.what()});
        labels.erase(label);
        continue;
      }
      parsed = parse_yolo(TextFile(label->second), image.width, image.height);
      labels.erase(label);
    }
    image.faces = std::move(parsed.faces);
    for (const std::string& number : parsed.categories) {
      ++boxes_by_class[number];
      if (names_file.empty()) names.emplace(number, number);
    }
    set.annotations.push_back(std::move(image));
    categories.push_back(std::move(parsed.categories));
  }
  for (const auto& [below, label] : labels) {
    set.left_out.push_back(
        {true, fmt::format("{}: expected an image of that name in {}, found none", printable(label),
                           printable(folders.images))});
  }
  const std::string set_name = printable(folders.labels);
  check_named(boxes_by_class, names, chosen, set_name, printable(names_file));
  const std::set<std::string> faces = face_categories(names, chosen, set_name);
  for (std::size_t i = 0; i < set.annotations.size(); ++i) {
    keep_categories(set.annotations[i], categories[i], faces);
  }
  return set;
}

std::string format_yolo(const AnnotatedImage& image, bool points) {
  RF_CHECK(image.width > 0 && image.height > 0);
  std::string text;
  for (const AnnotatedFace& face : image.faces) {
    if (face.ignored) continue;
    const Point center = face.box.center();
    text +=
        fmt::format("0 {} {} {} {}", share(center.x, image.width), share(center.y, image.height),
                    share(face.box.width(), image.width), share(face.box.height(), image.height));
    for (const AnnotatedPoint& point : face.points) {
      if (!points) break;
      if (point.state == PointState::kMissing) {
        text += " 0 0 0";
        continue;
      }
      text += fmt::format(" {} {} {}", share(point.position.x, image.width),
                          share(point.position.y, image.height),
                          point.state == PointState::kHidden ? 1 : 2);
    }
    text += "\n";
  }
  return text;
}

std::vector<SetFile> formatted_yolo(const fs::path& folder, const AnnotationSet& set) {
  const bool points = std::ranges::any_of(set, [](const AnnotatedImage& image) {
    return std::ranges::any_of(image.faces, has_points);
  });
  std::vector<SetFile> files;
  for (fs::path& path : label_files(folder / "labels", ".txt", set)) {
    files.push_back({std::move(path), format_yolo(set[files.size()], points)});
  }
  std::string yaml = "path: .\ntrain: images\nval: images\nnames:\n  0: face\n";
  if (points) {
    yaml += fmt::format("kpt_shape: [{}, 3]\nflip_idx: [{}]\n", kPoints,
                        fmt::join(kMirrorCounterpart, ", "));
  }
  files.push_back({folder / "data.yaml", std::move(yaml)});
  return files;
}

}  // namespace retinaface::dataset
