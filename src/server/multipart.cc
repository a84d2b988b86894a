#include "server/multipart.h"

#include "base/check.h"
#include "server/header_value.h"

namespace retinaface::server {
namespace {

constexpr std::string_view kLineBreak = "\r\n";

[[noreturn]] void fail_as_broken(std::string_view what) {
  fail(ErrorCode::kBadData, "multipart body: {}", what);
}

/// Takes the lines up to the empty one; what Content-Disposition says goes into the part.
void take_headers(std::string_view& rest, FormPart& part) {
  constexpr std::size_t kMaxHeaderBytes = 8192;
  const std::string_view start = rest.substr(0, kMaxHeaderBytes);
  std::size_t at = 0;
  while (true) {
    const std::size_t end = start.find(kLineBreak, at);
    if (end == std::string_view::npos) fail_as_broken("the headers of a part do not end");
    const std::string_view line = start.substr(at, end - at);
    at = end + kLineBreak.size();
    if (line.empty()) break;
    const std::size_t colon = line.find(':');
    if (colon == std::string_view::npos) fail_as_broken("a part has a header without a colon");
    if (parse_header_value(line.substr(0, colon)).value != "content-disposition") continue;
    const HeaderValue disposition = parse_header_value(line.substr(colon + 1));
    if (const std::string* const name = disposition.parameter("name")) part.name = *name;
    if (const std::string* const name = disposition.parameter("filename")) part.filename = *name;
  }
  rest.remove_prefix(at);
}

}  // namespace

std::optional<std::string> multipart_boundary(const std::string& content_type) {
  constexpr std::size_t kMaxBoundary = 70;  // RFC 2046, 5.1.1
  const HeaderValue type = parse_header_value(content_type);
  if (type.value != "multipart/form-data") return std::nullopt;
  const std::string* const boundary = type.parameter("boundary");
  if (boundary == nullptr || boundary->empty() || boundary->size() > kMaxBoundary) {
    fail(ErrorCode::kBadData,
         "Content-Type: expected multipart/form-data with a boundary of 1 to {} characters",
         kMaxBoundary);
  }
  return *boundary;
}

std::vector<FormPart> parse_multipart(std::string_view body, const std::string& boundary) {
  const std::string delimiter = std::string(kLineBreak) + "--" + boundary;
  // The first one may stand at the very beginning.
  std::string_view rest = body;
  if (rest.starts_with(std::string_view(delimiter).substr(kLineBreak.size()))) {
    rest.remove_prefix(delimiter.size() - kLineBreak.size());
  } else {
    const std::size_t first = rest.find(delimiter);
    if (first == std::string_view::npos) fail_as_broken("its boundary is not in it");
    rest.remove_prefix(first + delimiter.size());
  }
  std::vector<FormPart> parts;
  while (!rest.starts_with("--")) {
    const std::size_t padding = rest.find_first_not_of(" \t");
    if (padding == std::string_view::npos || !rest.substr(padding).starts_with(kLineBreak)) {
      fail_as_broken("a boundary does not end its line");
    }
    rest.remove_prefix(padding + kLineBreak.size());
    if (parts.size() == kMaxFormParts) {
      fail(ErrorCode::kTooLarge, "multipart body: more than {} parts", kMaxFormParts);
    }
    FormPart& part = parts.emplace_back();
    take_headers(rest, part);
    const std::size_t end = rest.find(delimiter);
    if (end == std::string_view::npos) fail_as_broken("its last boundary is missing");
    part.content = rest.substr(0, end);
    rest.remove_prefix(end + delimiter.size());
  }
  return parts;
}

}  // namespace retinaface::server
