#include "image/draw.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <opencv2/imgproc.hpp>
#include <string>

#include <fmt/format.h>

#include "image/matrix.h"

namespace retinaface {
namespace {

using Colour = cv::Scalar;  // red, green, blue

const Colour kBoxColour(60, 220, 90);
const Colour kDark(20, 20, 20);
const Colour kLeft(255, 70, 60);
const Colour kRight(70, 150, 255);
const Colour kNose(255, 220, 50);
const std::array kPointColours = {&kLeft, &kRight, &kNose, &kLeft, &kRight};

constexpr int kFont = cv::FONT_HERSHEY_SIMPLEX;
constexpr int kMinTextHeight_px = 7;  // of the figures; smaller ones cannot be read

/// Sizes in pixels that suit one face in one picture.
struct Style {
  int line = 1;
  float point_radius = 0;
  float text_height = 0;

  Style(const Image& image, const Box& box) {
    const auto picture = static_cast<float>(std::max(image.width(), image.height()));
    const float face = std::min(box.width(), box.height());
    // A share of the face, so that small ones are not covered, up to a share of the picture.
    line = std::max(1, static_cast<int>(std::lround(std::min(0.03F * face, 0.003F * picture))));
    point_radius = std::min(0.025F * face, std::max(1.5F, 0.005F * picture));
    text_height = std::min(0.16F * face, std::max(10.0F, 0.015F * picture));
  }
};

/// A coordinate that OpenCV's integers hold, moved no nearer to the picture than it was: beyond
/// `size` on either side nothing is visible.
float within_reach(float value, int size) {
  const auto reach = static_cast<float>(size);
  return std::clamp(value, -reach, 2 * reach);
}

bool is_finite(const Box& box) {
  return std::isfinite(box.x0) && std::isfinite(box.y0) && std::isfinite(box.x1) &&
         std::isfinite(box.y1);
}

/// The first and last pixels of the box: lines on whole pixels are crisp.
cv::Rect pixels_of(const Box& box, const Image& image) {
  const auto round = [](float value, int size) {
    return static_cast<int>(std::lround(within_reach(value, size)));
  };
  const int x0 = round(box.x0, image.width());
  const int y0 = round(box.y0, image.height());
  const int x1 = std::max(round(box.x1, image.width()), x0 + 1);
  const int y1 = std::max(round(box.y1, image.height()), y0 + 1);
  return {x0, y0, x1 - x0, y1 - y0};
}

/// Ring by ring: OpenCV's own wide lines are of odd widths only, and smoothing would but blur lines
/// along the axes.
void draw_box(cv::Mat& pixels, const cv::Rect& box, int line) {
  const auto ring = [&](int outward, const Colour& colour) {
    cv::rectangle(
        pixels,
        {box.x - outward, box.y - outward, box.width + 2 * outward, box.height + 2 * outward},
        colour);
  };
  const int outer = line / 2;
  const int inner = outer - line + 1;
  if (line >= 3) {
    ring(outer + 1, kDark);
    ring(inner - 1, kDark);
  }
  for (int outward = inner; outward <= outer; ++outward) ring(outward, kBoxColour);
}

void draw_point(cv::Mat& pixels, const Image& image, Point point, float radius,
                const Colour& colour) {
  if (!std::isfinite(point.x) || !std::isfinite(point.y)) return;
  const float x = within_reach(point.x, image.width());
  const float y = within_reach(point.y, image.height());
  if (radius < 0.6F) {  // on a tiny face anything larger hides what it shows
    const cv::Point pixel(static_cast<int>(std::floor(x)), static_cast<int>(std::floor(y)));
    cv::rectangle(pixels, pixel, pixel, colour);
    return;
  }
  constexpr int kFractionBits = 4;
  const auto fixed = [](float value) {
    return static_cast<int>(std::lround(value * (1 << kFractionBits)));
  };
  const cv::Point centre(fixed(x - 0.5F), fixed(y - 0.5F));  // OpenCV counts from a pixel's centre
  if (radius >= 2) {
    cv::circle(pixels, centre, fixed(radius + 1), kDark, cv::FILLED, cv::LINE_AA, kFractionBits);
  }
  cv::circle(pixels, centre, fixed(radius), colour, cv::FILLED, cv::LINE_AA, kFractionBits);
}

void draw_score(cv::Mat& pixels, const cv::Rect& box, float score, const Style& style) {
  if (style.text_height < kMinTextHeight_px || !std::isfinite(score)) return;
  const std::string text = fmt::format("{:.2f}", score);
  const int line = std::max(1, static_cast<int>(std::lround(style.text_height / 9)));
  const double scale = cv::getFontScaleFromHeight(kFont, static_cast<int>(style.text_height), line);
  int below_base = 0;
  const cv::Size size = cv::getTextSize(text, kFont, scale, line, &below_base);
  const int margin = std::max(2, size.height / 4);
  const cv::Size plate(size.width + 2 * margin, size.height + 2 * margin);
  const bool room_above = box.y >= plate.height;
  const cv::Point corner(std::clamp(box.x, 0, std::max(0, pixels.cols - plate.width)),
                         room_above ? box.y - plate.height : std::max(0, box.y));
  cv::rectangle(pixels, cv::Rect(corner, plate), kBoxColour, cv::FILLED);
  cv::putText(pixels, text, corner + cv::Point(margin, margin + size.height), kFont, scale, kDark,
              line, cv::LINE_AA);
}

}  // namespace

void draw_faces(Image& image, std::span<const FaceMark> faces, const DrawOptions& options) {
  if (image.empty()) return;
  cv::Mat pixels = matrix_of(image);
  for (const FaceMark& face : faces) {
    if (!is_finite(face.box) || face.box.width() <= 0 || face.box.height() <= 0) continue;
    const Style style(image, face.box);
    const cv::Rect box = pixels_of(face.box, image);
    draw_box(pixels, box, style.line);
    for (std::size_t i = 0; options.landmarks && i < face.landmarks.size(); ++i) {
      draw_point(pixels, image, face.landmarks[i], style.point_radius, *kPointColours[i]);
    }
    if (options.scores) draw_score(pixels, box, face.score, style);
  }
}

}  // namespace retinaface
