#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace retinaface::cli {

/// The edits that turn one word into the other: insertions, deletions, replacements and exchanges
/// of neighbours (Damerau 1964, optimal string alignment).
int edit_distance(std::string_view a, std::string_view b);

/// What somebody who wrote `word` may have meant: the nearest of `known`, if it is near or begins
/// with it.
std::optional<std::string> suggestion(std::string_view word, std::span<const std::string> known);

}  // namespace retinaface::cli
