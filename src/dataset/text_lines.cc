#include "dataset/text_lines.h"

#include <algorithm>
#include <cctype>
#include <utility>

#include "base/file.h"
#include "base/number_text.h"
#include "base/text.h"
#include "base/trimmed.h"

namespace retinaface::dataset {
namespace {

constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";

/// What a message shows of foreign text: its start, made printable.
std::string shown(std::string_view text) {
  constexpr std::size_t kMax = 40;
  return printable(std::string(text.substr(0, kMax)));
}

}  // namespace

std::vector<float> TextLine::numbers_in(std::string_view part, std::string_view what) const {
  std::vector<float> values;
  for (std::string_view rest = trimmed(part); !rest.empty();) {
    const std::string_view word = rest.substr(0, rest.find_first_of(kSpaces));
    rest = trimmed(rest.substr(word.size()));
    const auto value = read_number<float>(word);
    if (!value || !std::isfinite(*value)) reject("expected {}, found '{}'", what, shown(word));
    values.push_back(*value);
  }
  return values;
}

Box TextLine::box(float x, float y, float width, float height) const {
  const Box box = {x, y, x + width, y + height};
  if (!is_plausible(box))
    reject("a box at {}, {} of {} x {} lies in no image", x, y, width, height);
  return box;
}

Point TextLine::point(float x, float y) const {
  if (!is_plausible(Point{x, y})) reject("a point at {}, {} lies in no image", x, y);
  return {x, y};
}

TextFile::TextFile(const std::filesystem::path& path)
    : TextFile(read_file(path), printable(path)) {}

TextFile::TextFile(std::vector<std::byte> content, std::string name)
    : name_(std::move(name)), content_(std::move(content)) {
  std::string_view text = text_of(content_);
  if (text.starts_with(kByteOrderMark)) text.remove_prefix(kByteOrderMark.size());
  for_each_line(text, [&](std::string_view whole, int number) {
    const std::string_view line = trimmed(whole);
    if (!line.empty()) lines_.push_back({line, name_, number});
  });
}

void check_written_path(const std::string& image, const std::string& file) {
  const bool plain =
      std::ranges::none_of(image, [](unsigned char c) { return std::iscntrl(c) != 0; });
  if (image.empty() || !plain || trimmed(image) != image || image.starts_with(kByteOrderMark)) {
    fail(ErrorCode::kUnsupported,
         "{}: expected an image's path without line breaks or spaces around it, found '{}'", file,
         excerpt(image));
  }
}

std::string format_number(float value, int digits) {
  std::string text = fmt::format("{:.{}f}", value, digits);
  if (text.find('.') != std::string::npos) {
    while (text.back() == '0') text.pop_back();
    if (text.back() == '.') text.pop_back();
  }
  return text == "-0" ? "0" : text;
}

}  // namespace retinaface::dataset
