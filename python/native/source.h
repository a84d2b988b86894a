#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

#include <nanobind/nanobind.h>

#include "retinaface/image.h"

#include "pipeline/detect_faces.h"

namespace retinaface::python {

/// The name of a file, as the operating system has it: also one that is not UTF-8. Throws a Python
/// exception for an object that is none.
std::string path_of(nanobind::handle path);

/// Throws Error(kInvalidArgument), by the keyword's name.
void check_max_pixels(std::int64_t max_pixels);

/// An image as Python has it: an array of pixels (anything with a buffer of bytes in two or three
/// dimensions), an encoded file in memory (in one dimension), or the path of a file.
class Source {
 public:
  /// Takes hold of the buffer; nothing is read, decoded or copied. Throws Error(kInvalidArgument)
  /// for what is no image, with its shape, and a Python exception for an object without a buffer or
  /// with one of other than bytes.
  Source(nanobind::handle object, bool bgr, const ReadOptions& options);
  /// With the GIL, as the constructor.
  ~Source();
  Source(const Source&) = delete;
  Source& operator=(const Source&) = delete;

  /// Reads and decodes where that is needed, without the GIL. Valid as long as this object. Throws
  /// as read_image.
  ImageView open() { return open_reduced(1).pixels; }
  /// The same; of a JPEG the pixels of a smaller image, as internal::decode_image says.
  pipeline::SeenImage open_reduced(int reduction);

  bool is_bgr() const { return bgr_; }

 private:
  void take_pixels();

  Py_buffer buffer_{};
  bool has_buffer_ = false;
  std::filesystem::path path_;
  bool is_path_ = false;
  bool is_encoded_ = false;
  bool bgr_;
  ReadOptions options_;
  ImageView view_;
  std::optional<Image> decoded_;
};

}  // namespace retinaface::python
