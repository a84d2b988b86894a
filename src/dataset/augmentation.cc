#include "dataset/augmentation.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <numeric>

#include "base/check.h"
#include "geometry/box.h"
#include "geometry/mirror.h"
#include "image/convert.h"
#include "image/resize.h"
#include "image/warp.h"

namespace retinaface::dataset {
namespace {

float shorter_side(const Box& box) {
  return std::min(box.width(), box.height());
}

/// The start of a stretch of `length` within [0, extent), or around it when it is longer.
float place(float length, float extent, Random& random) {
  const float room = extent - length;
  return static_cast<float>(std::floor(random.uniform() * static_cast<double>(room)));
}

Box random_square(int width, int height, const CropOptions& options, Random& random) {
  const auto shorter = static_cast<float>(std::min(width, height));
  const auto part = static_cast<float>(
      random.uniform(static_cast<double>(options.min_side), static_cast<double>(options.max_side)));
  const float side = std::max(std::round(part * shorter), 1.0F);
  const float x = place(side, static_cast<float>(width), random);
  const float y = place(side, static_cast<float>(height), random);
  return {x, y, x + side, y + side};
}

/// The start of a stretch of `length` that holds [begin, end) somewhere, within [0, extent) as far
/// as that goes.
float place_around(float begin, float end, float length, float extent, Random& random) {
  float low = end - length;
  float high = begin;
  if (length <= extent) {
    low = std::clamp(low, 0.0F, extent - length);
    high = std::clamp(high, 0.0F, extent - length);
  }
  if (low > high) std::swap(low, high);
  return static_cast<float>(
      std::floor(random.uniform(static_cast<double>(low), static_cast<double>(high))));
}

Box square_around(const Box& face, int width, int height, const CropOptions& options, int side_px,
                  Random& random) {
  const double wanted_px =
      std::exp(random.uniform(std::log(options.min_face_px), std::log(options.max_face_px)));
  const float size = std::sqrt(area(face));
  const auto shorter = static_cast<float>(std::min(width, height));
  const float side = std::round(std::clamp(
      size * static_cast<float>(side_px) / static_cast<float>(wanted_px),
      std::max(options.min_side * shorter, 1.0F), options.around_face_max_side * shorter));
  const float x = place_around(face.x0, face.x1, side, static_cast<float>(width), random);
  const float y = place_around(face.y0, face.y1, side, static_cast<float>(height), random);
  return {x, y, x + side, y + side};
}

/// The square's pixels, gray where it reaches over the image.
Image cut(const Image& image, const Box& square, std::uint8_t fill) {
  const auto side = static_cast<int>(square.width());
  const auto left = static_cast<int>(square.x0);
  const auto top = static_cast<int>(square.y0);
  Image result(side, side);
  const int first = std::clamp(-left, 0, side);
  const int last = std::clamp(image.width() - left, first, side);
  for (int y = 0; y < side; ++y) {
    std::uint8_t* const row = result.row(y);
    if (top + y < 0 || top + y >= image.height()) {
      std::memset(row, fill, static_cast<std::size_t>(3 * side));
      continue;
    }
    std::memset(row, fill, static_cast<std::size_t>(3 * first));
    if (last > first) {
      std::memcpy(row + 3 * first, image.row(top + y) + 3 * (left + first),
                  static_cast<std::size_t>(3 * (last - first)));
    }
    std::memset(row + 3 * last, fill, static_cast<std::size_t>(3 * (side - last)));
  }
  return result;
}

bool inside(const Image& image, const Box& square) {
  return square.x0 >= 0 && square.y0 >= 0 && square.x1 <= static_cast<float>(image.width()) &&
         square.y1 <= static_cast<float>(image.height());
}

/// new = matrix old + offset, on RGB.
struct ColorMap {
  std::array<std::array<float, 3>, 3> matrix = {{{1, 0, 0}, {0, 1, 0}, {0, 0, 1}}};
  float offset = 0;

  /// `next` after this.
  ColorMap then(const std::array<std::array<float, 3>, 3>& next) const {
    ColorMap result;
    for (std::size_t i = 0; i < 3; ++i) {
      for (std::size_t j = 0; j < 3; ++j) {
        result.matrix[i][j] = 0;
        for (std::size_t k = 0; k < 3; ++k) result.matrix[i][j] += next[i][k] * matrix[k][j];
      }
    }
    // The rows of every map here that moves grays sum to one factor, so that the offset stays one.
    result.offset = offset * (next[0][0] + next[0][1] + next[0][2]);
    return result;
  }
};

/// Scales the distance from gray by `factor` and turns it by `angle` in the plane of equal luma,
/// spanned by I and Q of YIQ.
std::array<std::array<float, 3>, 3> chroma_map(float factor, float angle) {
  constexpr std::array<std::array<float, 3>, 3> kToYiq = {
      {{0.299F, 0.587F, 0.114F}, {0.596F, -0.274F, -0.322F}, {0.211F, -0.523F, 0.312F}}};
  constexpr std::array<std::array<float, 3>, 3> kFromYiq = {
      {{1, 0.956F, 0.621F}, {1, -0.272F, -0.647F}, {1, -1.106F, 1.703F}}};
  const float c = factor * std::cos(angle);
  const float s = factor * std::sin(angle);
  const std::array<std::array<float, 3>, 3> turn = {{{1, 0, 0}, {0, c, -s}, {0, s, c}}};
  ColorMap map{kToYiq};
  return map.then(turn).then(kFromYiq).matrix;
}

void apply(Image& image, const ColorMap& map) {
  // Fixed point: 2^-14 of a level, so that the sums of three products stay within 32 bits.
  constexpr int kBits = 14;
  std::array<std::array<std::int32_t, 3>, 3> m{};
  for (std::size_t i = 0; i < 3; ++i) {
    for (std::size_t j = 0; j < 3; ++j) {
      m[i][j] = static_cast<std::int32_t>(std::lround(map.matrix[i][j] * (1 << kBits)));
    }
  }
  const auto offset = static_cast<std::int32_t>(std::lround((map.offset + 0.5F) * (1 << kBits)));
  for (int y = 0; y < image.height(); ++y) {
    std::uint8_t* const row = image.row(y);
    for (int x = 0; x < image.width(); ++x) {
      std::uint8_t* const p = row + 3 * x;
      const std::int32_t r = p[0];
      const std::int32_t g = p[1];
      const std::int32_t b = p[2];
      for (std::size_t i = 0; i < 3; ++i) {
        const std::int32_t value = (m[i][0] * r + m[i][1] * g + m[i][2] * b + offset) >> kBits;
        p[i] = static_cast<std::uint8_t>(std::clamp(value, 0, 255));
      }
    }
  }
}

constexpr float kRadiansPerDegree = 0.017453293F;

float change(float range, Random& random) {
  return static_cast<float>(
      random.uniform(-static_cast<double>(range), static_cast<double>(range)));
}

}  // namespace

std::vector<AnnotatedFace> crop_faces(const std::vector<AnnotatedFace>& faces, const Box& square,
                                      int side_px) {
  const float factor = static_cast<float>(side_px) / square.width();
  const auto limit = static_cast<float>(side_px);
  const auto moved = [&](const Point& point) {
    return Point{(point.x - square.x0) * factor, (point.y - square.y0) * factor};
  };
  std::vector<AnnotatedFace> kept;
  for (const AnnotatedFace& face : faces) {
    if (!contains(square, face.box.center())) continue;
    AnnotatedFace result = face;
    const Point low = moved({face.box.x0, face.box.y0});
    const Point high = moved({face.box.x1, face.box.y1});
    result.box = intersection({low.x, low.y, high.x, high.y}, {0, 0, limit, limit});
    if (result.box.width() <= 0 || result.box.height() <= 0) continue;
    for (AnnotatedPoint& point : result.points) point.position = moved(point.position);
    kept.push_back(result);
  }
  return kept;
}

Box choose_crop(int width, int height, const std::vector<AnnotatedFace>& faces,
                const CropOptions& options, int side_px, Random& random) {
  std::vector<const AnnotatedFace*> wanted;
  for (const AnnotatedFace& face : faces) {
    if (!face.ignored && shorter_side(face.box) > 0) wanted.push_back(&face);
  }
  if (!wanted.empty() && random.chance(static_cast<double>(options.around_face))) {
    const AnnotatedFace& face = *wanted[random.below(wanted.size())];
    return square_around(face.box, width, height, options, side_px, random);
  }
  Box square = random_square(width, height, options, random);
  const auto empty = [&] {
    return std::ranges::none_of(
        wanted, [&](const AnnotatedFace* face) { return contains(square, face->box.center()); });
  };
  for (int i = 1; i < options.tries && !wanted.empty() && empty(); ++i) {
    square = random_square(width, height, options, random);
  }
  return square;
}

Sample crop(const Sample& sample, const Box& square, int side_px, std::uint8_t fill) {
  RF_CHECK(!sample.image.empty() && square.width() >= 1 && square.width() == square.height());
  Sample result;
  result.faces = crop_faces(sample.faces, square, side_px);
  if (inside(sample.image, square)) {
    const int side = static_cast<int>(square.width());
    result.image = resize(
        part_of(sample.image, static_cast<int>(square.x0), static_cast<int>(square.y0), side, side),
        side_px, side_px);
  } else {
    result.image = resize(cut(sample.image, square, fill), side_px, side_px);
  }
  return result;
}

void flip(Sample& sample) {
  mirror(sample.image);
  const auto width = static_cast<float>(sample.image.width());
  for (AnnotatedFace& face : sample.faces) {
    face.box = mirrored(face.box, width);
    face.points = sides_exchanged(face.points);
    for (AnnotatedPoint& point : face.points) point.position = mirrored(point.position, width);
  }
}

void turn(Sample& sample, float radians) {
  const float cos = std::cos(radians);
  const float sin = std::sin(radians);
  const int width = sample.image.width();
  const int height = sample.image.height();
  const Point middle = {static_cast<float>(width) / 2, static_cast<float>(height) / 2};
  // Turns by the angle of cosine c and sine s.
  const auto about_middle = [&](float c, float s) {
    return Similarity{
        c, s, {middle.x - c * middle.x + s * middle.y, middle.y - s * middle.x - c * middle.y}};
  };
  sample.image = warp(sample.image, about_middle(cos, -sin), width, height);
  const Similarity to = about_middle(cos, sin);
  const Box image = {0, 0, static_cast<float>(width), static_cast<float>(height)};
  std::erase_if(sample.faces, [&](AnnotatedFace& face) {
    const Point center = to(face.box.center());
    const float half_width = std::hypot(cos * face.box.width() / 2, sin * face.box.height() / 2);
    const float half_height = std::hypot(sin * face.box.width() / 2, cos * face.box.height() / 2);
    face.box = intersection({center.x - half_width, center.y - half_height, center.x + half_width,
                             center.y + half_height},
                            image);
    for (AnnotatedPoint& point : face.points) point.position = to(point.position);
    return !contains(image, center);
  });
}

void ignore_small_faces(std::vector<AnnotatedFace>& faces, float min_px) {
  for (AnnotatedFace& face : faces) {
    if (shorter_side(face.box) < min_px) face.ignored = true;
  }
}

void distort_colors(Image& image, const ColorOptions& options, Random& random) {
  ColorMap map;
  bool changed = false;
  if (random.chance(0.5)) {
    map.offset = change(options.brightness, random);
    changed = true;
  }
  if (random.chance(0.5)) {
    const float factor = 1 + change(options.contrast, random);
    map = map.then({{{factor, 0, 0}, {0, factor, 0}, {0, 0, factor}}});
    changed = true;
  }
  float saturation = 1;
  float angle = 0;
  if (random.chance(0.5)) saturation = 1 + change(options.saturation, random);
  if (random.chance(0.5)) {
    angle = change(options.hue_degrees, random) * kRadiansPerDegree;
  }
  if (random.chance(static_cast<double>(options.gray))) saturation = 0;
  if (saturation != 1 || angle != 0) {
    map = map.then(chroma_map(saturation, angle));
    changed = true;
  }
  if (changed) apply(image, map);
}

void degrade(Image& image, Random& random) {
  if (random.chance(0.5)) {
    const double share = random.uniform(0.4, 1);
    const auto side_of = [&](int side) {
      return std::max(1, static_cast<int>(std::lround(share * side)));
    };
    const Image coarse = resize(image, side_of(image.width()), side_of(image.height()));
    image = resize(coarse, image.width(), image.height());
  }
  std::array<float, 256> light;
  std::iota(light.begin(), light.end(), 0.0F);
  if (random.chance(0.5)) {
    const double gain = random.uniform(0.2, 1);
    const double gamma = random.uniform(1, 1.8);
    const double stray = random.uniform(0, 16);
    for (float& value : light) {
      const double seen = 255 * std::pow(static_cast<double>(value) / 255, gamma);
      value = static_cast<float>(stray + gain * seen);
    }
  }
  const float noise = random.chance(0.5) ? static_cast<float>(random.uniform(0, 12)) : 0;
  // The sum of four bytes has a mean of 510 and a deviation of 147.8.
  const float factor = noise / 147.8F;
  for (int y = 0; y < image.height(); ++y) {
    std::uint8_t* const row = image.row(y);
    for (int i = 0; i < 3 * image.width(); ++i) {
      float value = light[row[i]];
      if (factor > 0) {
        const std::uint64_t bits = random.next();
        const std::uint64_t sum =
            (bits & 255) + (bits >> 8 & 255) + (bits >> 16 & 255) + (bits >> 24 & 255);
        value += factor * (static_cast<float>(sum) - 510);
      }
      row[i] = static_cast<std::uint8_t>(std::clamp(value + 0.5F, 0.0F, 255.0F));
    }
  }
}

Sample augment(const Sample& sample, const AugmentationOptions& options, int side_px,
               Random& random) {
  const Box square = choose_crop(sample.image.width(), sample.image.height(), sample.faces,
                                 options.crop, side_px, random);
  Sample result = crop(sample, square, side_px);
  if (random.chance(static_cast<double>(options.flip))) flip(result);
  if (options.turn > 0 && random.chance(static_cast<double>(options.turn))) {
    turn(result, change(options.turn_degrees, random) * kRadiansPerDegree);
  }
  distort_colors(result.image, options.color, random);
  if (options.degrade > 0 && random.chance(static_cast<double>(options.degrade))) {
    result.clear = result.image;
    degrade(result.image, random);
  }
  ignore_small_faces(result.faces, options.min_face_px);
  return result;
}

}  // namespace retinaface::dataset
