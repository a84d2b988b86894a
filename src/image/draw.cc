// No drawing library: loading OpenCV takes longer than detecting the faces does.

#include "image/draw.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <string>
#include <string_view>

#include <fmt/format.h>

namespace retinaface {
inline namespace internal {
namespace {

constexpr Color kBoxColor = {60, 220, 90};
/// Of the boxes of tracks, in turn: neighbours in number differ most.
constexpr std::array<Color, 8> kTrackColors = {Color{60, 220, 90}, {255, 170, 40}, {80, 180, 255},
                                               {255, 110, 200},    {225, 225, 70}, {120, 230, 220},
                                               {190, 140, 255},    {255, 130, 110}};
constexpr Color kDark = {20, 20, 20};
constexpr Color kLeft = {255, 70, 60};
constexpr Color kRight = {70, 150, 255};
constexpr Color kNose = {255, 220, 50};
constexpr std::array<Color, 5> kPointColors = {kLeft, kRight, kNose, kLeft, kRight};

constexpr float kMinTextHeight_px = 7;  // of the figures; smaller ones cannot be read

/// Whole pixels, half-open.
struct Rectangle {
  int x0, y0, x1, y1;

  Rectangle grown(int by) const { return {x0 - by, y0 - by, x1 + by, y1 + by}; }
};

void fill(Image& image, const Rectangle& area, const Color& color) {
  const int x0 = std::max(area.x0, 0);
  const int x1 = std::min(area.x1, image.width());
  const int y1 = std::min(area.y1, image.height());
  for (int y = std::max(area.y0, 0); y < y1; ++y) {
    for (int x = x0; x < x1; ++x) std::ranges::copy(color, image.row(y) + 3 * x);
  }
}

/// The one-pixel edge of a rectangle.
void outline(Image& image, const Rectangle& r, const Color& color) {
  fill(image, {r.x0, r.y0, r.x1, r.y0 + 1}, color);
  fill(image, {r.x0, r.y1 - 1, r.x1, r.y1}, color);
  fill(image, {r.x0, r.y0, r.x0 + 1, r.y1}, color);
  fill(image, {r.x1 - 1, r.y0, r.x1, r.y1}, color);
}

/// A disc with a soft edge one pixel wide.
void disc(Image& image, Point centre, float radius, const Color& color) {
  const auto first = [&](float c) { return std::max(static_cast<int>(c - radius - 1), 0); };
  const auto end = [&](float c, int size) {
    return std::min(static_cast<int>(c + radius + 2), size);
  };
  for (int y = first(centre.y); y < end(centre.y, image.height()); ++y) {
    for (int x = first(centre.x); x < end(centre.x, image.width()); ++x) {
      const float distance = std::hypot(static_cast<float>(x) + 0.5F - centre.x,
                                        static_cast<float>(y) + 0.5F - centre.y);
      const float cover = std::clamp(radius + 0.5F - distance, 0.0F, 1.0F);
      std::uint8_t* const pixel = image.row(y) + 3 * x;
      for (std::size_t c = 0; c < 3; ++c) {
        const float mixed =
            static_cast<float>(pixel[c]) * (1 - cover) + static_cast<float>(color[c]) * cover;
        pixel[c] = static_cast<std::uint8_t>(std::lround(mixed));
      }
    }
  }
}

/// Sizes in pixels that suit one face in one image.
struct Style {
  int line = 1;
  float point_radius = 0;
  float text_height = 0;

  Style(const Image& image, const Box& box) {
    const auto longer = static_cast<float>(std::max(image.width(), image.height()));
    const float face = std::min(box.width(), box.height());
    // A share of the face, so that small ones are not covered, up to a share of the image.
    line = std::max(1, static_cast<int>(std::lround(std::min(0.03F * face, 0.003F * longer))));
    point_radius = std::min(0.025F * face, std::max(1.5F, 0.005F * longer));
    text_height = std::min(0.16F * face, std::max(10.0F, 0.015F * longer));
  }
};

/// A coordinate that an int holds, moved no nearer to the image than it was: beyond `size` on
/// either side nothing is visible.
float within_reach(float value, int size) {
  const auto reach = static_cast<float>(size);
  return std::clamp(value, -reach, 2 * reach);
}

/// Whether there is anything to draw.
bool is_drawable(const Box& box) {
  return std::isfinite(box.x0) && std::isfinite(box.y0) && std::isfinite(box.x1) &&
         std::isfinite(box.y1) && box.width() > 0 && box.height() > 0;
}

/// The pixels of the box: lines on whole pixels are crisp.
Rectangle pixels_of(const Box& box, const Image& image) {
  const auto round = [](float value, int size) {
    return static_cast<int>(std::lround(within_reach(value, size)));
  };
  const int x0 = round(box.x0, image.width());
  const int y0 = round(box.y0, image.height());
  return {x0, y0, std::max(round(box.x1, image.width()), x0 + 1),
          std::max(round(box.y1, image.height()), y0 + 1)};
}

void draw_outline(Image& image, const Rectangle& box, int line, const Color& color) {
  const int outer = line / 2;
  const int inner = outer - line + 1;
  if (line >= 3) {
    outline(image, box.grown(outer + 1), kDark);
    outline(image, box.grown(inner - 1), kDark);
  }
  for (int outward = inner; outward <= outer; ++outward) {
    outline(image, box.grown(outward), color);
  }
}

void draw_point(Image& image, Point point, float radius, const Color& color) {
  if (!std::isfinite(point.x) || !std::isfinite(point.y)) return;
  const Point at = {within_reach(point.x, image.width()), within_reach(point.y, image.height())};
  if (radius < 0.6F) {  // on a tiny face anything larger hides what it shows
    const int x = static_cast<int>(std::floor(at.x));
    const int y = static_cast<int>(std::floor(at.y));
    fill(image, {x, y, x + 1, y + 1}, color);
    return;
  }
  if (radius >= 2) disc(image, at, radius + 1, kDark);
  disc(image, at, radius, color);
}

/// Figures of seven segments, points and spaces.
class Figures {
 public:
  Figures(std::string_view text, float height_px)
      : text_(text),
        height_(static_cast<int>(height_px)),
        line_(std::max(1, height_ / 7)),
        digit_width_((height_ + line_) / 2) {}

  int height() const { return height_; }
  int width() const {
    int width = -2 * line_;
    for (const char c : text_) width += advance(c);
    return width;
  }

  void draw(Image& image, int x, int y, const Color& color) const {
    for (const char c : text_) {
      if (c == ' ') {
        // nothing to draw
      } else if (c == '.') {
        fill(image, {x, y + height_ - line_, x + line_, y + height_}, color);
      } else {
        draw_digit(image, x, y, c - '0', color);
      }
      x += advance(c);
    }
  }

 private:
  int advance(char c) const { return (c == '.' ? line_ : digit_width_) + 2 * line_; }

  void draw_digit(Image& image, int x, int y, int digit, const Color& color) const {
    // Bits: top, upper right, lower right, bottom, lower left, upper left, middle.
    constexpr std::array<int, 10> kSegments = {0x3F, 0x06, 0x5B, 0x4F, 0x66,
                                               0x6D, 0x7D, 0x07, 0x7F, 0x6F};
    const int right = x + digit_width_;
    const int bottom = y + height_;
    const int middle = y + (height_ - line_) / 2;
    const std::array<Rectangle, 7> segments = {{{x, y, right, y + line_},
                                                {right - line_, y, right, middle + line_},
                                                {right - line_, middle, right, bottom},
                                                {x, bottom - line_, right, bottom},
                                                {x, middle, x + line_, bottom},
                                                {x, y, x + line_, middle + line_},
                                                {x, middle, right, middle + line_}}};
    for (std::size_t i = 0; i < segments.size(); ++i) {
      if ((kSegments[static_cast<std::size_t>(digit)] >> i & 1) != 0) {
        fill(image, segments[i], color);
      }
    }
  }

  std::string_view text_;
  int height_;
  int line_;
  int digit_width_;
};

void draw_label(Image& image, const Rectangle& box, const FaceMark& face, const Style& style,
                const Color& color) {
  if (style.text_height < kMinTextHeight_px || !std::isfinite(face.score)) return;
  std::string text = fmt::format("{:.2f}", std::clamp(face.score, 0.0F, 1.0F));
  if (face.track > 0) text = fmt::format("{} {}", face.track, text);
  const Figures figures(text, style.text_height);
  const int margin = std::max(2, figures.height() / 4);
  const int width = figures.width() + 2 * margin;
  const int height = figures.height() + 2 * margin;
  const int x = std::clamp(box.x0, 0, std::max(0, image.width() - width));
  const int y = box.y0 >= height ? box.y0 - height : std::max(0, box.y0);
  fill(image, {x, y, x + width, y + height}, color);
  figures.draw(image, x + margin, y + margin, kDark);
}

}  // namespace

void draw_faces(Image& image, std::span<const FaceMark> faces, const DrawOptions& options) {
  if (image.empty()) return;
  for (const FaceMark& face : faces) {
    if (!is_drawable(face.box)) continue;
    const Style style(image, face.box);
    const Rectangle box = pixels_of(face.box, image);
    const Color& color =
        face.track > 0
            ? kTrackColors[static_cast<std::size_t>(face.track - 1) % kTrackColors.size()]
            : kBoxColor;
    draw_outline(image, box, style.line, color);
    for (std::size_t i = 0; options.landmarks && i < face.landmarks.size(); ++i) {
      draw_point(image, face.landmarks[i], style.point_radius, kPointColors[i]);
    }
    if (options.scores) draw_label(image, box, face, style, color);
  }
}

void draw_box(Image& image, const Box& box, const Color& color) {
  if (image.empty() || !is_drawable(box)) return;
  draw_outline(image, pixels_of(box, image), Style(image, box).line, color);
}

}  // namespace internal
}  // namespace retinaface
