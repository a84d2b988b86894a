#pragma once

#include <string_view>

namespace retinaface {
inline namespace internal {

/// What the files that this program writes say about their origin, where their format has a place
/// for it, so that a later run knows them as its own.
inline constexpr std::string_view kOriginMark = "written by retinaface";

}  // namespace internal
}  // namespace retinaface
