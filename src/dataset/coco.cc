#include "dataset/coco.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include <fmt/ranges.h>

#include "base/check.h"
#include "base/file.h"
#include "base/library_reason.h"
#include "base/origin_seal.h"
#include "dataset/attributes.h"
#include "dataset/text_lines.h"

namespace retinaface::dataset {
namespace {

using nlohmann::json;

constexpr const char* kOurs = "retinaface";  ///< an annotation's object with face_properties

constexpr std::array kPointNames = {"left_eye", "right_eye", "nose", "left_mouth_corner",
                                    "right_mouth_corner"};

/// A part of the file, with what its error messages need.
class Element {
 public:
  Element(const json& value, const std::string& file, std::string place)
      : value_(value), file_(file), place_(std::move(place)) {}

  template <typename... Args>
  [[noreturn]] void reject(fmt::format_string<Args...> format, Args&&... args) const {
    fail(ErrorCode::kBadData, "{}: {}: {}", file_, place_,
         fmt::format(format, std::forward<Args>(args)...));
  }

  bool has(const char* key) const { return value_.contains(key) && !value_[key].is_null(); }

  const json& at(const char* key) const {
    if (!has(key)) reject("expected \"{}\"", key);
    return value_[key];
  }

  std::string text(const char* key) const {
    const json& value = at(key);
    if (!value.is_string()) reject("expected \"{}\" to be a string", key);
    return value.get<std::string>();
  }

  /// Ids are numbers or, in some tools, strings.
  std::string id(const char* key) const {
    const json& value = at(key);
    if (value.is_string()) return value.get<std::string>();
    if (!value.is_number_integer()) reject("expected \"{}\" to be a whole number", key);
    return value.dump();
  }

  Element part(const char* key) const {
    const json& value = at(key);
    if (!value.is_object()) reject("expected \"{}\" to be an object", key);
    return {value, file_, fmt::format("{}.{}", place_, key)};
  }

  float number(const char* key) const { return as_number(at(key), key); }

  std::vector<float> numbers(const char* key, std::size_t count) const {
    const json& list = at(key);
    if (!list.is_array() || list.size() != count) {
      reject("expected \"{}\" to be {} numbers, found {}", key, count,
             list.is_array() ? list.size() : 1);
    }
    std::vector<float> values;
    for (const json& value : list) values.push_back(as_number(value, key));
    return values;
  }

 private:
  float as_number(const json& value, const char* key) const {
    if (value.is_boolean()) return value.get<bool>() ? 1 : 0;
    if (!value.is_number()) reject("expected numbers for \"{}\"", key);
    const auto number = value.get<double>();
    if (!(std::abs(number) <= double{std::numeric_limits<float>::max()})) {
      reject("expected finite numbers for \"{}\"", key);
    }
    return static_cast<float>(number);
  }

  const json& value_;
  const std::string& file_;
  std::string place_;
};

/// Calls use(Element) for each object of the list `key`.
template <typename Use>
void for_each_in(const json& root, const char* key, const std::string& file, Use use) {
  if (!root.contains(key) || !root[key].is_array()) {
    fail(ErrorCode::kBadData, "{}: expected COCO's list \"{}\"", file, key);
  }
  const json& list = root[key];
  for (std::size_t i = 0; i < list.size(); ++i) {
    const Element element(list[i], file, fmt::format("{}[{}]", key, i));
    if (!list[i].is_object()) element.reject("expected an object");
    use(element);
  }
}

/// The ids of the categories that are faces; nothing where the file names no categories and none
/// are chosen: then all are.
std::optional<std::set<std::string>> face_ids(const json& root, const ChosenCategories& chosen,
                                              const std::string& file) {
  if (!root.contains("categories") && chosen.empty()) return std::nullopt;
  std::map<std::string, std::string> names_by_id;
  for_each_in(root, "categories", file, [&](const Element& category) {
    names_by_id.emplace(category.id("id"), category.text("name"));
  });
  std::map<std::string, std::size_t> boxes_by_id;
  for_each_in(root, "annotations", file,
              [&](const Element& annotation) { ++boxes_by_id[annotation.id("category_id")]; });
  check_named(boxes_by_id, names_by_id, chosen, file, "\"categories\"");
  return face_categories(names_by_id, chosen, file);
}

int parse_side(const Element& image, const char* key) {
  if (!image.has(key)) return 0;
  const float side = image.number(key);
  if (side < 0 || side > kMaxCoordinate_px || side != std::floor(side)) {
    image.reject("expected \"{}\" in whole pixels, found {}", key, side);
  }
  return static_cast<int>(side);
}

AnnotatedPoint parse_point(const Element& annotation, float x, float y, float visibility) {
  if (visibility == 0) return {};
  if (visibility != 1 && visibility != 2) {
    annotation.reject("expected a keypoint's visibility of 0, 1 or 2, found {}", visibility);
  }
  const Point position = {x, y};
  if (!is_plausible(position)) annotation.reject("a keypoint at {}, {} lies in no image", x, y);
  return {position, visibility == 1 ? PointState::kHidden : PointState::kVisible};
}

void set_properties(const Element& ours, AnnotatedFace& face) {
  for (const FaceProperty& property : face_properties()) {
    if (!ours.has(property.name)) continue;
    if (!property.set(face, ours.number(property.name))) {
      ours.reject("expected \"{}\" to be {}", property.name, property.range);
    }
  }
}

AnnotatedFace parse_face(const Element& annotation) {
  AnnotatedFace face;
  const std::vector<float> box = annotation.numbers("bbox", 4);
  face.box = {box[0], box[1], box[0] + box[2], box[1] + box[3]};
  if (!is_plausible(face.box)) annotation.reject("bbox {} lies in no image", fmt::join(box, " "));
  if (annotation.has("iscrowd")) face.ignored = annotation.number("iscrowd") != 0;
  if (annotation.has("keypoints") && !annotation.at("keypoints").empty()) {
    const std::vector<float> values = annotation.numbers("keypoints", 3 * face.points.size());
    for (std::size_t i = 0; i < face.points.size(); ++i) {
      face.points[i] = parse_point(annotation, values[3 * i], values[3 * i + 1], values[3 * i + 2]);
    }
  }
  if (annotation.has(kOurs)) set_properties(annotation.part(kOurs), face);
  return face;
}

/// The shortest JSON number for the value in so many digits after the point.
json rounded(float value, int digits = kCoordinateDigits) {
  return json::parse(format_number(value, digits));
}

json to_json(const AnnotatedFace& face) {
  const Box& box = face.box;
  json object = {
      {"category_id", 1},
      {"bbox", {rounded(box.x0), rounded(box.y0), rounded(box.width()), rounded(box.height())}},
      {"area", rounded(box.width() * box.height())},
      {"iscrowd", face.ignored ? 1 : 0}};
  json keypoints = json::array();
  int count = 0;
  for (const AnnotatedPoint& point : face.points) {
    if (point.state == PointState::kMissing) {
      keypoints.insert(keypoints.end(), {0, 0, 0});
      continue;
    }
    ++count;
    keypoints.insert(keypoints.end(), {rounded(point.position.x), rounded(point.position.y),
                                       point.state == PointState::kVisible ? 2 : 1});
  }
  object["keypoints"] = keypoints;
  object["num_keypoints"] = count;
  for (const FaceProperty& property : face_properties()) {
    if (const auto value = property.get(face)) {
      object[kOurs][property.name] = rounded(*value, kPropertyDigits);
    }
  }
  return object;
}

std::string list_of(const std::vector<std::string>& lines) {
  return fmt::format("[\n{}\n]", fmt::join(lines, ",\n"));
}

/// JSON of one line. Throws Error(kUnsupported) for text that is not UTF-8.
std::string line_of(const json& object, const std::string& file) {
  try {
    return object.dump();
  } catch (const json::type_error&) {
    fail(ErrorCode::kUnsupported, "{}: expected paths in UTF-8, as JSON has them, found {}", file,
         excerpt(object.value("file_name", "")));
  }
}

}  // namespace

AnnotationSet parse_coco(std::span<const std::byte> content, const std::string& name,
                         const ChosenCategories& chosen) {
  const auto* const begin = reinterpret_cast<const char*>(content.data());
  json root;
  try {
    root = json::parse(begin, begin + content.size());
  } catch (const json::parse_error& error) {
    const auto end = std::min(error.byte, content.size());
    const auto line = 1 + std::count(begin, begin + end, '\n');
    fail(ErrorCode::kBadData, "{}:{}: expected JSON: {}", name, line, library_reason(error.what()));
  } catch (const json::out_of_range& error) {  // a number that no double holds
    fail(ErrorCode::kBadData, "{}: expected JSON: {}", name, library_reason(error.what()));
  }
  if (!root.is_object()) fail(ErrorCode::kBadData, "{}: expected a JSON object", name);

  AnnotationSet set;
  std::unordered_map<std::string, std::size_t> by_id;
  for_each_in(root, "images", name, [&](const Element& image) {
    const std::string id = image.id("id");
    if (!by_id.emplace(id, set.size()).second) image.reject("a second image of id {}", excerpt(id));
    set.push_back(
        {image.text("file_name"), {}, parse_side(image, "width"), parse_side(image, "height")});
  });
  const auto faces = face_ids(root, chosen, name);
  for_each_in(root, "annotations", name, [&](const Element& annotation) {
    if (faces && !faces->contains(annotation.id("category_id"))) return;
    const std::string id = annotation.id("image_id");
    const auto image = by_id.find(id);
    if (image == by_id.end()) annotation.reject("no image has the id {}", excerpt(id));
    set[image->second].faces.push_back(parse_face(annotation));
  });
  return set;
}

std::string format_coco(const AnnotationSet& set, const std::string& name) {
  std::vector<std::string> images;
  std::vector<std::string> annotations;
  for (std::size_t i = 0; i < set.size(); ++i) {
    json image = {{"id", i + 1}, {"file_name", set[i].path}};
    if (set[i].width > 0) image["width"] = set[i].width;
    if (set[i].height > 0) image["height"] = set[i].height;
    images.push_back(line_of(image, name));
    for (const AnnotatedFace& face : set[i].faces) {
      json annotation = to_json(face);
      annotation["id"] = annotations.size() + 1;
      annotation["image_id"] = i + 1;
      annotations.push_back(annotation.dump());
    }
  }
  const json info = {{"description", open_mark()}};
  const json category = {{"id", 1}, {"name", "face"}, {"keypoints", kPointNames}};
  return sealed(fmt::format(
      "{{\"images\": {},\n\"annotations\": {},\n\"categories\": [{}],\n\"info\": {}}}\n",
      list_of(images), list_of(annotations), category.dump(), info.dump()));
}

}  // namespace retinaface::dataset
