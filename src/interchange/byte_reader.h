#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "base/check.h"
#include "base/text.h"

namespace retinaface::interchange {

/// Reads bytes in order and never past their end: what is not there is an Error(kBadData) that
/// names the source and the place.
class ByteReader {
 public:
  /// `content` must outlive the reader and what it hands out. `source` is how messages call it.
  ByteReader(std::span<const std::byte> content, std::string source)
      : content_(content), source_(std::move(source)) {}

  const std::string& source() const { return source_; }
  std::size_t position() const { return position_; }
  std::size_t remaining() const { return content_.size() - position_; }

  /// Throws an Error whose message starts with the source and the reader's place.
  template <typename... Args>
  [[noreturn]] void refuse(ErrorCode code, fmt::format_string<Args...> format,
                           Args&&... args) const {
    fail(code, "{}: byte {}: {}", source_, position_,
         fmt::format(format, std::forward<Args>(args)...));
  }

  std::span<const std::byte> take(std::uint64_t count) {
    if (count > remaining()) {
      refuse(ErrorCode::kBadData, "cut short: expected {} more bytes, found {}", count,
             remaining());
    }
    const auto bytes = content_.subspan(position_, static_cast<std::size_t>(count));
    position_ += bytes.size();
    return bytes;
  }

  std::string_view text(std::uint64_t count) {
    const auto bytes = take(count);
    return text_of(bytes);
  }

  /// Up to the next line feed, which is consumed but not returned.
  std::string_view line() {
    const std::string_view rest = text_of(content_.subspan(position_));
    const std::size_t length = rest.find('\n');
    if (length == std::string_view::npos) {
      refuse(ErrorCode::kBadData, "cut short: expected a line, found no end of it");
    }
    position_ += length + 1;
    return rest.substr(0, length);
  }

  /// A little-endian integer or float.
  template <typename T>
  T number() {
    static_assert(std::endian::native == std::endian::little);
    T value;
    std::memcpy(&value, take(sizeof value).data(), sizeof value);
    return value;
  }

 private:
  std::span<const std::byte> content_;
  std::string source_;
  std::size_t position_ = 0;
};

}  // namespace retinaface::interchange
