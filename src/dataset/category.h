#pragma once

#include <cstddef>
#include <map>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "dataset/annotation.h"

namespace retinaface::dataset {

/// Names and ids of the categories that are faces, as the user gives them; empty: told by their
/// names.
using ChosenCategories = std::vector<std::string>;

/// Which of a set's categories (names by id; VOC's names are their own ids) are faces, as ids.
/// With `chosen`, those whose name or id is in it, a name before an id. Without: the only one,
/// whatever its name, or of several those named "face", in upper or lower case. `file` is for
/// messages. Throws Error(kBadData) when one of the chosen is not there, or none of several is
/// named "face".
std::set<std::string> face_categories(const std::map<std::string, std::string>& names_by_id,
                                      const ChosenCategories& chosen, const std::string& file);

/// Refuses boxes of categories that the set does not name: left out unsaid, they might be its
/// faces. Not with `chosen`, by which all others are left out. `boxes_by_id` counts the set's
/// boxes, `named_in` is what should have named them, for messages. Throws Error(kBadData).
void check_named(const std::map<std::string, std::size_t>& boxes_by_id,
                 const std::map<std::string, std::string>& names_by_id,
                 const ChosenCategories& chosen, const std::string& file,
                 const std::string& named_in);

/// Keeps the faces of an image whose category is among `faces`; `categories` has that of each.
void keep_categories(AnnotatedImage& image, std::span<const std::string> categories,
                     const std::set<std::string>& faces);

}  // namespace retinaface::dataset
