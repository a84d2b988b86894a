#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "base/content_hash.h"

namespace retinaface {
inline namespace internal {

// A file is sealed by a mark of its origin that holds a checksum of all of it, the checksum's
// digits taken as zeros: who finds the checksum true knows that nobody has changed the file since.
// The mark stands in the first or last kSealEdgeBytes; nothing like it that a user may have named
// stands behind it, nor, in the beginning, before it.

inline constexpr std::size_t kSealEdgeBytes = std::size_t{256} << 10;

/// The mark before the checksum is known, its digits zeros.
std::string open_mark();

/// The text with its last open_mark() sealed.
std::string sealed(std::string text);

/// The same for a text that is handed on in parts.
class Sealer {
 public:
  void add(std::string_view part);
  /// The last part, in which open_mark() stands, with its checksum.
  std::string end(std::string part);

 private:
  ContentHasher hasher_;
};

/// Seals the open_mark() of a file that is written; one without it stays as it is. Throws
/// Error(kUnwritable) with the path.
void seal_file(const std::filesystem::path& path);

/// Whether a file is sealed and as it was then; not if it cannot be read. Takes the time of reading
/// it once.
bool is_sealed(const std::filesystem::path& path);

}  // namespace internal
}  // namespace retinaface
