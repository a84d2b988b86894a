#include "dataset/wider_bbx_gt.h"

#include <algorithm>
#include <cmath>

#include "base/file.h"
#include "base/number_text.h"

namespace retinaface::dataset {
namespace {

constexpr std::size_t kBoxColumns = 4;
constexpr std::size_t kColumns = kBoxColumns + kWiderAttributes;

int parse_attribute(const TextLine& line, float value) {
  if (value < 0 || value > 9 || value != std::floor(value)) {
    line.reject("expected an attribute from 0 to 9, found {}", value);
  }
  return static_cast<int>(value);
}

bool holds_only_numbers(std::string_view text) {
  return text.find_first_not_of("0123456789+-. \t") == std::string_view::npos;
}

std::string parse_path(const TextLine& line) {
  if (holds_only_numbers(line.text)) {
    line.reject("expected an image's path, found '{}'; is the number of faces above right?",
                excerpt(line.text));
  }
  return std::string(line.text);
}

std::size_t parse_count(const TextLine& line) {
  const auto count = read_number<std::size_t>(line.text);
  if (!count) line.reject("expected the number of faces, found '{}'", excerpt(line.text));
  return *count;
}

AnnotatedFace parse_face(const TextLine& line) {
  const std::vector<float> columns = line.numbers("a face's numbers");
  if (columns.size() != kColumns) {
    line.reject("expected {} columns, found {}", kColumns, columns.size());
  }
  AnnotatedFace face;
  face.box = line.box(columns[0], columns[1], columns[2], columns[3]);
  parse_wider_attributes(line, std::span(columns).subspan(kBoxColumns), face);
  return face;
}

/// What WIDER has below the count of an image without faces.
bool stands_for_no_face(const TextLine& line) {
  return holds_only_numbers(line.text) &&
         std::ranges::all_of(line.numbers("zeros"), [](float value) { return value == 0; });
}

}  // namespace

void parse_wider_attributes(const TextLine& line, std::span<const float> columns,
                            AnnotatedFace& face) {
  face.attributes = {.blur = columns[0],
                     .expression = parse_attribute(line, columns[1]),
                     .illumination = parse_attribute(line, columns[2]),
                     .occlusion = parse_attribute(line, columns[4]),
                     .pose = parse_attribute(line, columns[5])};
  face.ignored = parse_attribute(line, columns[3]) != 0;
}

std::string format_wider_flags(const AnnotatedFace& face) {
  const FaceAttributes& attributes = face.attributes;
  return fmt::format("{} {} {} {} {}", attributes.expression, attributes.illumination,
                     face.ignored ? 1 : 0, attributes.occlusion, attributes.pose);
}

AnnotationSet parse_wider_bbx_gt(const TextFile& file) {
  AnnotationSet set;
  std::span<const TextLine> lines = file.lines();
  while (!lines.empty()) {
    const TextLine& path = lines.front();
    AnnotatedImage& image = set.emplace_back();
    image.path = parse_path(path);
    if (lines.size() < 2) path.reject("expected the number of faces below, found the file's end");
    const TextLine& header = lines[1];
    const std::size_t count = parse_count(header);
    lines = lines.subspan(2);
    if (count > lines.size()) {
      header.reject("expected {} faces below, found the file's end after {} lines", count,
                    lines.size());
    }
    for (const TextLine& line : lines.first(count)) image.faces.push_back(parse_face(line));
    lines = lines.subspan(count);
    if (count == 0 && !lines.empty() && stands_for_no_face(lines.front())) {
      lines = lines.subspan(1);
    }
  }
  return set;
}

std::string format_wider_bbx_gt(const AnnotationSet& set, const std::string& name) {
  std::string text;
  for (const AnnotatedImage& image : set) {
    check_written_path(image.path, name);
    if (holds_only_numbers(image.path)) {
      fail(ErrorCode::kUnsupported, "{}: the path '{}' would be taken for a face", name,
           excerpt(image.path));
    }
    text += fmt::format("{}\n{}\n", image.path, image.faces.size());
    if (image.faces.empty()) text += "0 0 0 0 0 0 0 0 0 0\n";
    for (const AnnotatedFace& face : image.faces) {
      const Box& box = face.box;
      text += fmt::format("{} {} {} {} {} {}\n", format_number(box.x0), format_number(box.y0),
                          format_number(box.width()), format_number(box.height()),
                          format_number(face.attributes.blur, 0), format_wider_flags(face));
    }
  }
  return text;
}

}  // namespace retinaface::dataset
