#include "dataset/category.h"

#include <algorithm>
#include <cctype>
#include <string_view>

#include <fmt/ranges.h>

#include "base/check.h"
#include "base/file.h"

namespace retinaface::dataset {
namespace {

using Categories = std::map<std::string, std::string>;  // names by id

bool is_named_face(std::string_view name) {
  return std::ranges::equal(name, std::string_view("face"), {},
                            [](unsigned char c) { return std::tolower(c); });
}

/// The names, each once and in order; with the id where that is another.
std::string list_of(const Categories& names_by_id) {
  std::set<std::string> words;
  for (const auto& [id, name] : names_by_id) {
    words.insert(id == name ? name : fmt::format("{} ({})", name, id));
  }
  return excerpt(fmt::format("{}", fmt::join(words, ", ")));
}

template <typename Condition>
std::set<std::string> ids_where(const Categories& names_by_id, const Condition& condition) {
  std::set<std::string> ids;
  for (const auto& [id, name] : names_by_id) {
    if (condition(name)) ids.insert(id);
  }
  return ids;
}

}  // namespace

std::set<std::string> face_categories(const Categories& names_by_id, const ChosenCategories& chosen,
                                      const std::string& file) {
  std::set<std::string> faces;
  for (const std::string& word : chosen) {
    std::set<std::string> ids =
        ids_where(names_by_id, [&](const std::string& name) { return name == word; });
    if (ids.empty() && names_by_id.contains(word)) ids.insert(word);
    if (ids.empty()) {
      fail(ErrorCode::kBadData, "{}: expected the category '{}', found {}", file, excerpt(word),
           names_by_id.empty() ? "none" : list_of(names_by_id));
    }
    faces.merge(ids);
  }
  if (!chosen.empty()) return faces;
  std::set<std::string> names;
  for (const auto& [id, name] : names_by_id) names.insert(name);
  if (names.size() <= 1) return ids_where(names_by_id, [](const std::string&) { return true; });
  faces = ids_where(names_by_id, is_named_face);
  if (faces.empty()) {
    fail(ErrorCode::kBadData,
         "{}: expected one category, or one named 'face', found {}: {}; choose with --category",
         file, names.size(), list_of(names_by_id));
  }
  return faces;
}

void check_named(const std::map<std::string, std::size_t>& boxes_by_id,
                 const Categories& names_by_id, const ChosenCategories& chosen,
                 const std::string& file, const std::string& named_in) {
  if (!chosen.empty()) return;
  std::vector<std::string> unnamed;
  std::size_t boxes = 0;
  std::size_t boxes_unnamed = 0;
  for (const auto& [id, count] : boxes_by_id) {
    boxes += count;
    if (names_by_id.contains(id)) continue;
    unnamed.push_back(id);
    boxes_unnamed += count;
  }
  if (unnamed.empty()) return;
  fail(ErrorCode::kBadData,
       "{}: expected the categories that {} names ({}), found others in {} of {} boxes: {}; name "
       "these there, or choose with --category",
       file, named_in, names_by_id.empty() ? "none" : list_of(names_by_id), boxes_unnamed, boxes,
       excerpt(fmt::format("{}", fmt::join(unnamed, ", "))));
}

void keep_categories(AnnotatedImage& image, std::span<const std::string> categories,
                     const std::set<std::string>& faces) {
  RF_CHECK(categories.size() == image.faces.size());
  std::vector<AnnotatedFace> kept;
  for (std::size_t i = 0; i < categories.size(); ++i) {
    if (faces.contains(categories[i])) kept.push_back(std::move(image.faces[i]));
  }
  image.faces = std::move(kept);
}

}  // namespace retinaface::dataset
