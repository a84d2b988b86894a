#pragma once

#include <charconv>
#include <cmath>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/check.h"

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
};

/// A text file that is kept in memory while its lines are looked at.
class TextFile {
 public:
  /// Throws as read_file does.
  explicit TextFile(const std::filesystem::path& path);
  TextFile(const TextFile&) = delete;
  TextFile& operator=(const TextFile&) = delete;

  /// The lines that hold more than spaces.
  std::span<const TextLine> lines() const { return lines_; }

 private:
  std::string name_;
  std::vector<std::byte> content_;
  std::vector<TextLine> lines_;
};

/// A coordinate as the annotation files have it: at most two digits after the point, none where
/// there is nothing to say.
std::string format_number(float value);

}  // namespace retinaface::dataset
