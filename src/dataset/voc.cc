#include "dataset/voc.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <string_view>
#include <system_error>
#include <utility>

#include <tinyxml2.h>

#include "base/check.h"
#include "base/file.h"
#include "base/number_text.h"
#include "base/origin_seal.h"
#include "base/trimmed.h"
#include "dataset/attributes.h"
#include "dataset/text_lines.h"

namespace retinaface::dataset {
namespace {

namespace fs = std::filesystem;
using tinyxml2::XMLElement;

constexpr float kFirstPixel = 1;  ///< VOC's number of a row's first pixel
constexpr const char* kOurs = "retinaface";
constexpr std::pair<const char*, PointState> kPointStates[] = {
    {"visible", PointState::kVisible},
    {"hidden", PointState::kHidden},
    {"missing", PointState::kMissing},
};

/// An element of the file, with what its error messages need.
class Element {
 public:
  Element(const XMLElement& xml, const std::string& file) : xml_(xml), file_(file) {}

  template <typename... Args>
  [[noreturn]] void reject(fmt::format_string<Args...> format, Args&&... args) const {
    fail(ErrorCode::kBadData, "{}:{}: {}", file_, xml_.GetLineNum(),
         fmt::format(format, std::forward<Args>(args)...));
  }

  bool has(const char* child) const { return xml_.FirstChildElement(child) != nullptr; }

  Element child(const char* name) const {
    const XMLElement* const child = xml_.FirstChildElement(name);
    if (child == nullptr) reject("expected <{}> in <{}>", name, excerpt(xml_.Name()));
    return {*child, file_};
  }

  std::vector<Element> children(const char* name) const {
    std::vector<Element> result;
    for (const XMLElement* child = xml_.FirstChildElement(name); child != nullptr;
         child = child->NextSiblingElement(name)) {
      result.emplace_back(*child, file_);
    }
    return result;
  }

  std::string text() const {
    const char* const text = xml_.GetText();
    if (text == nullptr) reject("expected text in <{}>", excerpt(xml_.Name()));
    return std::string(trimmed(text));
  }

  float number() const { return as_number(text()); }

  std::string attribute(const char* name) const {
    const char* const value = xml_.Attribute(name);
    if (value == nullptr) reject("expected the attribute {} of <{}>", name, excerpt(xml_.Name()));
    return value;
  }

  float attribute_number(const char* name) const { return as_number(attribute(name)); }

 private:
  float as_number(const std::string& text) const {
    const auto value = read_number<float>(text);
    if (!value || !std::isfinite(*value)) {
      reject("expected a number in <{}>, found '{}'", excerpt(xml_.Name()), excerpt(text));
    }
    return *value;
  }

  const XMLElement& xml_;
  const std::string& file_;
};

Box parse_box(const Element& element) {
  const Box box = {element.child("xmin").number() - kFirstPixel,
                   element.child("ymin").number() - kFirstPixel, element.child("xmax").number(),
                   element.child("ymax").number()};
  if (!is_plausible(box)) element.reject("this box lies in no image");
  return box;
}

AnnotatedPoint parse_point(const Element& element) {
  const std::string word = element.attribute("state");
  const auto* const state =
      std::ranges::find(kPointStates, word, &std::pair<const char*, PointState>::first);
  if (state == std::end(kPointStates)) {
    element.reject("expected a state of visible, hidden or missing, found '{}'", excerpt(word));
  }
  if (state->second == PointState::kMissing) return {};
  const Point position = {element.attribute_number("x"), element.attribute_number("y")};
  if (!is_plausible(position)) element.reject("this point lies in no image");
  return {position, state->second};
}

void parse_ours(const Element& ours, AnnotatedFace& face) {
  const std::vector<Element> points = ours.children("point");
  if (!points.empty() && points.size() != face.points.size()) {
    ours.reject("expected {} points, found {}", face.points.size(), points.size());
  }
  std::ranges::transform(points, face.points.begin(), parse_point);
  for (const FaceProperty& property : face_properties()) {
    if (!ours.has(property.name)) continue;
    const Element element = ours.child(property.name);
    if (!property.set(face, element.number())) {
      element.reject("expected <{}> to be {}", property.name, property.range);
    }
  }
}

AnnotatedFace parse_face(const Element& object) {
  AnnotatedFace face;
  face.box = parse_box(object.child("bndbox"));
  if (object.has("difficult")) face.ignored = object.child("difficult").number() != 0;
  if (object.has(kOurs)) parse_ours(object.child(kOurs), face);
  return face;
}

int parse_side(const Element& element) {
  const float side = element.number();
  if (side < 0 || side > kMaxCoordinate_px || side != std::floor(side)) {
    element.reject("expected a side in whole pixels, found {}", side);
  }
  return static_cast<int>(side);
}

/// The XML files below the folder, by path.
std::vector<fs::path> xml_files(const fs::path& folder) {
  std::vector<fs::path> files;
  std::error_code error;
  fs::recursive_directory_iterator entry(folder, error);
  for (; !error && entry != fs::recursive_directory_iterator(); entry.increment(error)) {
    if (entry->path().extension() == ".xml") files.push_back(entry->path());
  }
  if (error) fail(ErrorCode::kUnreadable, "{}: {}", printable(folder), error.message());
  if (files.empty()) fail(ErrorCode::kNotFound, "{}: expected XML files", printable(folder));
  std::ranges::sort(files);
  return files;
}

/// `name` is the set's.
AnnotationSet keep_faces(std::vector<VocImage> images, const ChosenCategories& chosen,
                         const std::string& name) {
  std::map<std::string, std::string> names;
  for (const VocImage& image : images) {
    for (const std::string& category : image.categories) names.emplace(category, category);
  }
  const std::set<std::string> faces = face_categories(names, chosen, name);
  AnnotationSet set;
  for (VocImage& image : images) {
    keep_categories(image.image, image.categories, faces);
    set.push_back(std::move(image.image));
  }
  return set;
}

void push(tinyxml2::XMLPrinter& xml, const char* name, const std::string& text) {
  xml.OpenElement(name);
  xml.PushText(text.c_str());
  xml.CloseElement();
}

void push_point(tinyxml2::XMLPrinter& xml, const AnnotatedPoint& point) {
  xml.OpenElement("point");
  const auto* const state =
      std::ranges::find(kPointStates, point.state, &std::pair<const char*, PointState>::second);
  xml.PushAttribute("state", state->first);
  if (point.state != PointState::kMissing) {
    xml.PushAttribute("x", format_number(point.position.x).c_str());
    xml.PushAttribute("y", format_number(point.position.y).c_str());
  }
  xml.CloseElement();
}

void push_ours(tinyxml2::XMLPrinter& xml, const AnnotatedFace& face) {
  const bool has_points = std::ranges::any_of(
      face.points, [](const AnnotatedPoint& point) { return point.state != PointState::kMissing; });
  const bool has_properties = std::ranges::any_of(
      face_properties(),
      [&](const FaceProperty& property) { return property.get(face).has_value(); });
  if (!has_points && !has_properties) return;
  xml.OpenElement(kOurs);
  if (has_points) {
    for (const AnnotatedPoint& point : face.points) push_point(xml, point);
  }
  for (const FaceProperty& property : face_properties()) {
    if (const auto value = property.get(face)) {
      push(xml, property.name, format_number(*value, kPropertyDigits));
    }
  }
  xml.CloseElement();
}

void push_face(tinyxml2::XMLPrinter& xml, const AnnotatedFace& face) {
  xml.OpenElement("object");
  push(xml, "name", "face");
  push(xml, "pose", "Unspecified");
  push(xml, "truncated", "0");
  push(xml, "difficult", face.ignored ? "1" : "0");
  xml.OpenElement("bndbox");
  push(xml, "xmin", format_number(face.box.x0 + kFirstPixel));
  push(xml, "ymin", format_number(face.box.y0 + kFirstPixel));
  push(xml, "xmax", format_number(face.box.x1));
  push(xml, "ymax", format_number(face.box.y1));
  xml.CloseElement();
  push_ours(xml, face);
  xml.CloseElement();
}

}  // namespace

VocImage parse_voc(std::span<const std::byte> content, const std::string& name) {
  tinyxml2::XMLDocument document;
  const auto error = document.Parse(reinterpret_cast<const char*>(content.data()), content.size());
  if (error != tinyxml2::XML_SUCCESS) {
    fail(ErrorCode::kBadData, "{}:{}: expected XML: {}", name, document.ErrorLineNum(),
         tinyxml2::XMLDocument::ErrorIDToName(error));
  }
  const XMLElement* const root = document.FirstChildElement("annotation");
  if (root == nullptr) {
    fail(ErrorCode::kBadData, "{}: expected VOC's element <annotation>", name);
  }
  const Element annotation(*root, name);
  VocImage image;
  image.image.path = annotation.child("filename").text();
  if (annotation.has("size")) {
    image.image.width = parse_side(annotation.child("size").child("width"));
    image.image.height = parse_side(annotation.child("size").child("height"));
  }
  for (const Element& object : annotation.children("object")) {
    image.categories.push_back(object.child("name").text());
    image.image.faces.push_back(parse_face(object));
  }
  return image;
}

AnnotationSet parse_voc_set(std::span<const std::byte> content, const std::string& name,
                            const ChosenCategories& chosen) {
  std::vector<VocImage> images;
  images.push_back(parse_voc(content, name));
  return keep_faces(std::move(images), chosen, name);
}

AnnotationSet read_voc(const fs::path& folder, const ChosenCategories& chosen) {
  std::vector<VocImage> images;
  for (const fs::path& file : xml_files(folder)) {
    VocImage& image = images.emplace_back(parse_voc(read_file(file), printable(file)));
    const fs::path below = file.parent_path().lexically_relative(folder);
    if (below != "." && !below.empty()) {
      image.image.path = (below / image.image.path).generic_string();
    }
  }
  return keep_faces(std::move(images), chosen, printable(folder));
}

std::string format_voc(const AnnotatedImage& image) {
  tinyxml2::XMLPrinter xml;
  const fs::path path(image.path);
  xml.OpenElement("annotation");
  push(xml, "folder", path.parent_path().generic_string());
  push(xml, "filename", path.filename().string());
  if (image.width > 0 && image.height > 0) {
    xml.OpenElement("size");
    push(xml, "width", fmt::to_string(image.width));
    push(xml, "height", fmt::to_string(image.height));
    push(xml, "depth", "3");
    xml.CloseElement();
  }
  push(xml, "segmented", "0");
  for (const AnnotatedFace& face : image.faces) push_face(xml, face);
  xml.PushComment(fmt::format(" {} ", open_mark()).c_str());
  xml.CloseElement();
  return sealed(xml.CStr());
}

std::vector<SetFile> formatted_voc(const fs::path& folder, const AnnotationSet& set) {
  std::vector<SetFile> files;
  for (fs::path& path : label_files(folder, ".xml", set)) {
    files.push_back({std::move(path), format_voc(set[files.size()])});
  }
  return files;
}

}  // namespace retinaface::dataset
