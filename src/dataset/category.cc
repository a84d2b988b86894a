#include "dataset/category.h"

#include <algorithm>
#include <cctype>
#include <string_view>

#include <fmt/ranges.h>

#include "base/check.h"
#include "base/file.h"

namespace retinaface::dataset {
namespace {

bool is_named_face(std::string_view name) {
  return std::ranges::equal(name, std::string_view("face"), {},
                            [](unsigned char c) { return std::tolower(c); });
}

}  // namespace

std::set<std::string> face_categories(const std::set<std::string>& categories,
                                      const std::string& file) {
  if (categories.size() <= 1) return categories;
  std::set<std::string> faces;
  for (const std::string& name : categories) {
    if (is_named_face(name)) faces.insert(name);
  }
  if (faces.empty()) {
    fail(ErrorCode::kBadData, "{}: expected one category, or one named 'face', found {}: {}", file,
         categories.size(), excerpt(fmt::format("{}", fmt::join(categories, ", "))));
  }
  return faces;
}

}  // namespace retinaface::dataset
