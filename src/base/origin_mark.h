#pragma once

#include <string_view>

namespace retinaface {
inline namespace internal {

/// What the files that this program writes say about their origin, where their format has a place
/// for it, so that a later run knows them as its own.
inline constexpr std::string_view kOriginMark = "written by retinaface";

/// What follows it where the mark also tells whether anybody has changed the file since, before the
/// kHashDigits (content_hash.h) of the content. A mark without them says nothing of that.
inline constexpr std::string_view kMarkChecksum = ", checksum ";

}  // namespace internal
}  // namespace retinaface
