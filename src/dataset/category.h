#pragma once

#include <set>
#include <string>

namespace retinaface::dataset {

/// Which of a set's categories are faces: the only one, whatever its name, or of several those
/// named "face", in upper or lower case. `file` is for messages. Throws Error(kBadData) when none
/// of several is.
std::set<std::string> face_categories(const std::set<std::string>& categories,
                                      const std::string& file);

}  // namespace retinaface::dataset
