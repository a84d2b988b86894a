#include "source.h"

#include <cstddef>
#include <cstdlib>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "base/check.h"
#include "base/file.h"
#include "image/codecs/decoded_image.h"
#include "image/codecs/encoded_size.h"

namespace retinaface::python {

namespace nb = nanobind;

namespace {

std::string shape_of(const Py_buffer& buffer) {
  std::string text = "(";
  for (int i = 0; i < buffer.ndim; ++i) {
    text += (i == 0 ? "" : ", ") + std::to_string(buffer.shape[i]);
  }
  return text + (buffer.ndim == 1 ? ",)" : ")");
}

bool is_bytes(const Py_buffer& buffer) {
  const char* format = buffer.format;
  if (format == nullptr) return true;  // unsigned bytes, by the protocol
  if (*format == '@' || *format == '=' || *format == '<' || *format == '>') ++format;
  return buffer.itemsize == 1 && (*format == 'B' || *format == 'c') && format[1] == '\0';
}

}  // namespace

std::string path_of(nb::handle path) {
  PyObject* bytes = nullptr;
  if (PyUnicode_FSConverter(path.ptr(), static_cast<void*>(&bytes)) == 0) throw nb::python_error();
  const nb::bytes held = nb::steal<nb::bytes>(bytes);
  return {held.c_str(), held.size()};
}

void check_max_pixels(std::int64_t max_pixels) {
  if (max_pixels >= 1) return;
  fail(ErrorCode::kInvalidArgument, "max_pixels: expected 1 or more, found {}", max_pixels);
}

Source::Source(nb::handle object, bool bgr, const ReadOptions& options)
    : bgr_(bgr), options_(options) {
  options_.strict = true;  // nobody would see the warning that an image lacks its end
  check_max_pixels(options.max_pixels);
  if (PyUnicode_Check(object.ptr()) != 0) {
    path_ = path_of(object);
    is_path_ = true;
    return;
  }
  if (PyObject_GetBuffer(object.ptr(), &buffer_, PyBUF_STRIDES | PyBUF_FORMAT) != 0) {
    throw nb::python_error();
  }
  has_buffer_ = true;
  try {
    take_pixels();
  } catch (...) {
    PyBuffer_Release(&buffer_);
    throw;
  }
}

Source::~Source() {
  if (has_buffer_) PyBuffer_Release(&buffer_);
}

void Source::take_pixels() {
  if (!is_bytes(buffer_)) {
    const std::string found = "image: expected an array of uint8, found the format '";
    throw nb::type_error((found + buffer_.format + "'").c_str());
  }
  is_encoded_ = buffer_.ndim == 1 && (buffer_.strides == nullptr || buffer_.strides[0] == 1);
  if (is_encoded_) return;
  const Py_ssize_t channels = buffer_.ndim == 3 ? buffer_.shape[2] : 1;
  const bool is_image =
      (buffer_.ndim == 2 || buffer_.ndim == 3) && (channels == 1 || channels == 3 || channels == 4);
  if (!is_image) {
    fail(ErrorCode::kInvalidArgument,
         "image: expected an array of shape (height, width), (height, width, 1), (height, width, "
         "3) or (height, width, 4), found {}",
         shape_of(buffer_));
  }
  const Py_ssize_t height = buffer_.shape[0];
  const Py_ssize_t width = buffer_.shape[1];
  if (height > kMaxImageSide || width > kMaxImageSide) {
    fail(ErrorCode::kTooLarge, "image: {}x{} pixels: no side may be over {}", width, height,
         kMaxImageSide);
  }
  const bool is_packed = (width <= 1 || buffer_.strides[1] == channels) &&
                         (channels == 1 || buffer_.strides[2] == 1) &&
                         (height <= 1 || std::abs(buffer_.strides[0]) >= width * channels);
  if (!is_packed) {
    fail(ErrorCode::kInvalidArgument,
         "image: expected pixels side by side in memory, found steps of {} bytes from pixel to "
         "pixel",
         buffer_.strides[1]);
  }
  view_.data = static_cast<const std::uint8_t*>(buffer_.buf);
  view_.width = static_cast<int>(width);
  view_.height = static_cast<int>(height);
  view_.stride = height > 1 ? buffer_.strides[0] : width * channels;
  view_.format = channels == 1   ? PixelFormat::kGray
                 : channels == 3 ? (bgr_ ? PixelFormat::kBgr : PixelFormat::kRgb)
                                 : (bgr_ ? PixelFormat::kBgra : PixelFormat::kRgba);
}

pipeline::SeenImage Source::open_reduced(int reduction) {
  if (!is_path_ && !is_encoded_) return view_;
  std::vector<std::byte> content;
  if (is_path_) content = read_named_file(path_, max_encoded_bytes(options_.max_pixels));
  const std::span<const std::byte> encoded =
      is_path_ ? content
               : std::span(static_cast<const std::byte*>(buffer_.buf),
                           static_cast<std::size_t>(buffer_.len));
  DecodedImage decoded =
      decode_image(encoded, options_, is_path_ ? printable(path_) : "image", reduction);
  decoded_ = std::move(decoded.image);
  return {*decoded_, decoded};
}

}  // namespace retinaface::python
