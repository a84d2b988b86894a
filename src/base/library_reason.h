#pragma once

#include <string>
#include <string_view>

namespace retinaface {
inline namespace internal {

/// The reason that a parsing library gives, without its name in front
/// ("[json.exception.parse_error.101] ", "[error] ", "toml::parse_key: "): for a message, as
/// excerpt (file.h) makes it.
std::string library_reason(std::string_view what);

}  // namespace internal
}  // namespace retinaface
