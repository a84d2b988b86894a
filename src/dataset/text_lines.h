#pragma once

#include <cmath>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/check.h"
#include "dataset/annotation.h"

namespace retinaface::dataset {

/// One line of an annotation file, with what its error messages need.
struct TextLine {
  std::string_view text;  ///< without the line's end and without spaces around it
  std::string_view file;
  int number = 0;  ///< counted from 1

  /// Throws Error(kBadData): "FILE:LINE: " and the message.
  template <typename... Args>
  [[noreturn]] void reject(fmt::format_string<Args...> format, Args&&... args) const {
    fail(ErrorCode::kBadData, "{}:{}: {}", file, number,
         fmt::format(format, std::forward<Args>(args)...));
  }

  /// The numbers on the line, which must be finite; `what` names them in messages.
  std::vector<float> numbers(std::string_view what) const { return numbers_in(text, what); }

  /// The same for a part of the line.
  std::vector<float> numbers_in(std::string_view part, std::string_view what) const;

  /// A box and a point of numbers on the line; rejects what is_plausible does not take.
  Box box(float x, float y, float width, float height) const;
  Point point(float x, float y) const;
};

/// A text file that is kept in memory while its lines are looked at.
class TextFile {
 public:
  /// Throws as read_file does.
  explicit TextFile(const std::filesystem::path& path);
  /// A file's content that is in memory already; `name` stands in for the path in messages.
  TextFile(std::vector<std::byte> content, std::string name);
  TextFile(const TextFile&) = delete;
  TextFile& operator=(const TextFile&) = delete;

  const std::string& name() const { return name_; }
  /// The lines that hold more than spaces. A byte order mark is no part of the first.
  std::span<const TextLine> lines() const { return lines_; }

 private:
  std::string name_;
  std::vector<std::byte> content_;
  std::vector<TextLine> lines_;
};

/// Refuses an image's path that would not come back as it is from a line of text, nor from XML: an
/// empty one, one with control characters, with spaces around it or with a byte order mark before
/// it. `file` is what is written.
/// Throws Error(kUnsupported).
void check_written_path(const std::string& image, const std::string& file);

inline constexpr int kCoordinateDigits = 2;
inline constexpr int kPropertyDigits = 4;

/// A number as the annotation files have it: at most so many digits after the point, none where
/// there is nothing to say.
std::string format_number(float value, int digits = kCoordinateDigits);

}  // namespace retinaface::dataset
