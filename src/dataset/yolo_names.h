#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <string_view>

namespace retinaface::dataset {

/// The names of classes by their numbers that a data.yaml of YOLO's programs has under `names`:
///   names: [face, person]        and the same over several lines
///   names: {0: face, 1: person}
///   names:                       a line each, "0: face" or "- face"
/// Names may be in quotes. Nothing else of the file is looked at; empty where it has no `names`.
/// `file` is for messages. Throws Error(kBadData) with file and line for names of another form.
std::map<std::string, std::string> parse_yolo_names(std::string_view text, std::string_view file);

}  // namespace retinaface::dataset
