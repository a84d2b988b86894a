#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <vector>

namespace retinaface {
inline namespace internal {

/// What of an image's EXIF data goes on into an image that is made of it: when it was taken, and
/// whose it is. All else (place, camera, thumbnail, maker's notes) stays behind. The values are the
/// bytes of EXIF 2.32's ASCII entries without the zero at their end; empty: not there.
struct CaptureNotes {
  std::string taken{};     ///< DateTimeOriginal, "2024:05:01 12:34:56"
  std::string offset{};    ///< OffsetTimeOriginal, "+02:00"
  std::string fraction{};  ///< SubSecTimeOriginal, "250"
  std::string artist{};
  std::string copyright{};  ///< the photographer's and, after a zero, the editor's

  bool empty() const { return *this == CaptureNotes(); }
  friend bool operator==(const CaptureNotes&, const CaptureNotes&) = default;
};

/// Those in a block of EXIF data, with or without "Exif\0\0" in front; none of a malformed one.
CaptureNotes capture_notes(std::span<const std::byte> exif);

/// A block of EXIF data with the notes, beginning with "Exif\0\0". Values that are longer than
/// segments of JPEG files can hold are left out.
std::vector<std::byte> exif_of(const CaptureNotes& notes);

}  // namespace internal
}  // namespace retinaface
