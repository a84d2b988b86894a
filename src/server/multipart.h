#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace retinaface::server {

/// One part of a form.
struct FormPart {
  std::string name;
  std::string filename;      ///< empty if none is given
  std::string_view content;  ///< of the body
};

/// What stands between the parts of a body of this Content-Type; nothing if it is no
/// multipart/form-data. Throws Error(kBadData) if it is one without a boundary as RFC 2046 has it.
std::optional<std::string> multipart_boundary(const std::string& content_type);

/// The parts of a form (RFC 7578), which are views of `body`. Throws Error: kBadData for a body
/// that is not of that form or does not end, kTooLarge for more parts than kMaxFormParts.
std::vector<FormPart> parse_multipart(std::string_view body, const std::string& boundary);

inline constexpr std::size_t kMaxFormParts = 256;

}  // namespace retinaface::server
