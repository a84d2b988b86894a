#include "evaluation/wider_predictions.h"

#include <array>
#include <charconv>
#include <cmath>
#include <iterator>

#include "base/check.h"
#include "base/file.h"
#include "base/number_text.h"
#include "dataset/text_lines.h"

namespace retinaface::evaluation {
namespace {

using dataset::TextLine;

/// What a message shows of a line.
std::string shown(std::string_view text) {
  constexpr std::size_t kMax = 60;
  return printable(std::string(text.substr(0, kMax)));
}

std::size_t parse_count(const TextLine& line) {
  const auto count = read_number<std::size_t>(line.text);
  if (!count) line.reject("expected the number of detections, found '{}'", shown(line.text));
  return *count;
}

/// dataset::TextLine reads floats into a vector; thresholds need the scores as exact as the
/// official evaluator has them, and 3,226 files their parsing fast.
Detection parse_detection(const TextLine& line) {
  std::array<double, 5> values{};
  const char* at = line.text.data();
  const char* const end = at + line.text.size();
  for (double& value : values) {
    while (at != end && (*at == ' ' || *at == '\t')) ++at;
    const auto result = std::from_chars(at, end, value);
    const bool whole = result.ptr == end || *result.ptr == ' ' || *result.ptr == '\t';
    if (result.ec != std::errc() || !whole || !std::isfinite(value)) {
      line.reject("expected x, y, width, height and score, found '{}'", shown(line.text));
    }
    at = result.ptr;
  }
  return {{values[0], values[1], values[2], values[3]}, values[4]};
}

}  // namespace

std::vector<Detection> read_wider_predictions(const std::filesystem::path& path) {
  const dataset::TextFile file(path);
  std::span<const TextLine> lines = file.lines();
  while (!lines.empty() && lines.front().number < 2) lines = lines.subspan(1);
  if (lines.empty()) {
    fail(ErrorCode::kBadData, "{}:2: expected the number of detections, found the file's end",
         printable(path));
  }
  const TextLine& header = lines.front();
  const std::size_t count = parse_count(header);
  lines = lines.subspan(1);
  if (count != lines.size()) {
    header.reject("expected {} detections to follow, found {}", count, lines.size());
  }

  std::vector<Detection> detections;
  detections.reserve(count);
  for (const TextLine& line : lines) detections.push_back(parse_detection(line));
  return detections;
}

std::vector<Detection> to_wider(std::span<const Face> faces) {
  std::vector<Detection> detections;
  detections.reserve(faces.size());
  for (const Face& face : faces) {
    detections.push_back(
        {{face.box.x0, face.box.y0, face.box.width(), face.box.height()}, face.score});
  }
  return detections;
}

std::string format_wider_predictions(const std::string& image,
                                     std::span<const Detection> detections) {
  std::string text = fmt::format("{}\n{}\n", image, detections.size());
  for (const auto& [box, score] : detections) {
    fmt::format_to(std::back_inserter(text), "{:.2f} {:.2f} {:.2f} {:.2f} {:.5f}\n", box.x, box.y,
                   box.width, box.height, score);
  }
  return text;
}

}  // namespace retinaface::evaluation
