#include "dataset/label_txt.h"

#include <fmt/ranges.h>

#include "base/file.h"
#include "dataset/wider_bbx_gt.h"

namespace retinaface::dataset {
namespace {

constexpr std::size_t kBoxColumns = 4;
constexpr std::size_t kPointColumns = 20;
constexpr std::size_t kAttributeColumns = 26;
constexpr std::size_t kQualityColumns = 27;

AnnotatedPoint parse_point(const TextLine& line, std::span<const float> columns) {
  const float flag = columns[2];
  if (flag != 0 && flag != 1 && flag != -1) {
    line.reject("expected a point's flag of 0, 1 or -1, found {}", flag);
  }
  // Some releases mark a missing point by its coordinates alone.
  const bool missing = flag == -1 || (columns[0] == -1 && columns[1] == -1);
  if (missing) return {};
  return {line.point(columns[0], columns[1]),
          flag == 0 ? PointState::kVisible : PointState::kHidden};
}

std::optional<int> parse_quality(const TextLine& line, float value) {
  if (value < 0 || value > kQualityLevels || value != std::floor(value)) {
    line.reject("expected a quality from 1 to {} or 0, found {}", kQualityLevels, value);
  }
  return value == 0 ? std::nullopt : std::optional(static_cast<int>(value));
}

AnnotatedFace parse_face(const TextLine& line) {
  const std::vector<float> columns = line.numbers("a face's numbers");
  const std::size_t count = columns.size();
  if (count != kBoxColumns && count != kPointColumns && count != kAttributeColumns &&
      count != kQualityColumns) {
    line.reject("expected 4, 20, 26 or 27 columns, found {}", count);
  }
  AnnotatedFace face;
  face.box = line.box(columns[0], columns[1], columns[2], columns[3]);
  if (count == kBoxColumns) return face;
  for (std::size_t i = 0; i < face.points.size(); ++i) {
    face.points[i] = parse_point(line, std::span(columns).subspan(kBoxColumns + 3 * i, 3));
  }
  if (count == kPointColumns) {
    face.attributes.blur = columns[19];
    return face;
  }
  face.points_score = columns[19];
  parse_wider_attributes(line, std::span(columns).subspan(kPointColumns, kWiderAttributes), face);
  if (count == kQualityColumns) face.quality = parse_quality(line, columns[26]);
  return face;
}

std::string format_face(const AnnotatedFace& face) {
  const Box& box = face.box;
  std::vector<std::string> columns;
  for (const float value : {box.x0, box.y0, box.width(), box.height()}) {
    columns.push_back(format_number(value));
  }
  for (const AnnotatedPoint& point : face.points) {
    if (point.state == PointState::kMissing) {
      columns.insert(columns.end(), {"-1", "-1", "-1"});
    } else {
      columns.insert(columns.end(),
                     {format_number(point.position.x), format_number(point.position.y),
                      point.state == PointState::kVisible ? "0" : "1"});
    }
  }
  columns.push_back(fmt::format("{:.3f}", face.points_score));
  columns.push_back(format_number(face.attributes.blur));
  columns.push_back(format_wider_flags(face));
  if (face.quality) columns.push_back(fmt::to_string(*face.quality));
  return fmt::format("{}\n", fmt::join(columns, " "));
}

}  // namespace

AnnotationSet read_label_txt(const std::filesystem::path& path) {
  return parse_label_txt(TextFile(read_named_file(path), printable(path)));
}

AnnotationSet parse_label_txt(const TextFile& file) {
  AnnotationSet set;
  for (const TextLine& line : file.lines()) {
    if (line.text.starts_with('#')) {
      const std::size_t start = line.text.find_first_not_of(" \t", 1);
      if (start == std::string_view::npos) line.reject("expected an image's path after '#'");
      set.push_back({std::string(line.text.substr(start)), {}});
    } else if (set.empty()) {
      line.reject("expected '# PATH' before the first face");
    } else {
      set.back().faces.push_back(parse_face(line));
    }
  }
  return set;
}

std::string format_label_txt(const AnnotationSet& set, const std::string& name) {
  std::string text;
  for (const AnnotatedImage& image : set) {
    check_written_path(image.path, name);
    text += fmt::format("# {}\n", image.path);
    for (const AnnotatedFace& face : image.faces) text += format_face(face);
  }
  return text;
}

}  // namespace retinaface::dataset
