#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace retinaface::server {

/// The value of a header that has parameters: `multipart/form-data; boundary="a b"`.
struct HeaderValue {
  std::string value;                                            ///< in small letters
  std::vector<std::pair<std::string, std::string>> parameters;  ///< names in small letters

  /// Null if there is none of that name.
  const std::string* parameter(std::string_view name) const;
};

/// Whatever the text is, the result is what can be made of it.
HeaderValue parse_header_value(std::string_view text);

/// Which of the offered media types a header Accept asks for most (RFC 9110, 12.5.1): its index; of
/// those that are asked for alike the first. Nothing if it wants none of them. An empty header
/// wants all.
std::optional<std::size_t> choose_media_type(std::string_view accept,
                                             std::span<const std::string_view> offered);

}  // namespace retinaface::server
