#include "base/library_reason.h"

#include "base/file.h"

namespace retinaface {
inline namespace internal {

std::string library_reason(std::string_view what) {
  what = what.substr(0, what.find('\n'));
  if (what.starts_with('[')) {
    const std::size_t end = what.find("] ");
    if (end != std::string_view::npos) what.remove_prefix(end + 2);
  }
  if (what.starts_with("toml::")) {
    const std::size_t end = what.find(": ");
    if (end != std::string_view::npos) what.remove_prefix(end + 2);
  }
  return excerpt(what);
}

}  // namespace internal
}  // namespace retinaface
