#include "image/resize.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "base/check.h"
#include "image/convert.h"

namespace retinaface {
inline namespace internal {
namespace {

/// The source pixels that make up one new pixel along an axis: `count` from `first`, their weights
/// (which sum to one) from `weights` on in Axis::weights.
struct Span {
  int first = 0;
  int count = 0;
  std::size_t weights = 0;
};

struct Axis {
  std::vector<Span> spans;
  std::vector<float> weights;
};

/// Overlap of the new pixel [x0, x1) with each old one, by the new one's length.
void append_area(Axis& axis, double x0, double x1, int old_size) {
  const int first = std::min(static_cast<int>(x0), old_size - 1);
  const int end = std::clamp(static_cast<int>(std::ceil(x1 - 1e-9)), first + 1, old_size);
  axis.spans.push_back({first, end - first, axis.weights.size()});
  double total = 0;
  for (int i = first; i < end; ++i) total += std::min(x1, i + 1.0) - std::max(x0, double(i));
  for (int i = first; i < end; ++i) {
    const double overlap = std::min(x1, i + 1.0) - std::max(x0, double(i));
    axis.weights.push_back(static_cast<float>(overlap / total));
  }
}

/// The two old pixels whose centres the new pixel's centre `x` lies between.
void append_linear(Axis& axis, double x, int old_size) {
  const double position = std::clamp(x - 0.5, 0.0, old_size - 1.0);
  const int first = std::min(static_cast<int>(position), std::max(old_size - 2, 0));
  const auto second_weight = static_cast<float>(position - first);
  axis.spans.push_back({first, old_size > 1 ? 2 : 1, axis.weights.size()});
  axis.weights.push_back(1 - second_weight);
  if (old_size > 1) axis.weights.push_back(second_weight);
}

Axis axis_between(int old_size, int new_size) {
  Axis axis;
  axis.spans.reserve(static_cast<std::size_t>(new_size));
  const double old_per_new = static_cast<double>(old_size) / new_size;
  for (int i = 0; i < new_size; ++i) {
    if (old_per_new > 1) {
      append_area(axis, i * old_per_new, (i + 1) * old_per_new, old_size);
    } else {
      append_linear(axis, (i + 0.5) * old_per_new, old_size);
    }
  }
  return axis;
}

/// Adds `weight` times a row of bytes to a row of sums.
void add_row(const std::uint8_t* row, float weight, std::vector<float>& sums) {
  for (std::size_t i = 0; i < sums.size(); ++i) sums[i] += weight * static_cast<float>(row[i]);
}

/// One row of the result from the row of sums that the vertical pass left.
void shrink_or_grow_row(const std::vector<float>& sums, const Axis& axis, std::uint8_t* to) {
  for (const Span& span : axis.spans) {
    const float* from = sums.data() + std::ptrdiff_t{3} * span.first;
    const float* weight = axis.weights.data() + span.weights;
    float red = 0.5F;  // so that the cast rounds
    float green = 0.5F;
    float blue = 0.5F;
    for (int i = 0; i < span.count; ++i, from += 3) {
      red += weight[i] * from[0];
      green += weight[i] * from[1];
      blue += weight[i] * from[2];
    }
    *to++ = static_cast<std::uint8_t>(red);
    *to++ = static_cast<std::uint8_t>(green);
    *to++ = static_cast<std::uint8_t>(blue);
  }
}

}  // namespace

Image resize(const ImageView& image, int width, int height) {
  if (image.empty() || width <= 0 || height <= 0) {
    fail(ErrorCode::kInvalidArgument, "an image of {}x{} pixels cannot be resized to {}x{}",
         image.width, image.height, width, height);
  }
  if (width == image.width && height == image.height) return to_rgb(image);
  const Axis columns = axis_between(image.width, width);
  const Axis rows = axis_between(image.height, height);
  Image result(width, height);
  // Vertically first: whole rows of bytes are what processors are best at.
  const std::size_t row_values = std::size_t{3} * static_cast<std::size_t>(image.width);
  std::vector<std::uint8_t> converted(image.format == PixelFormat::kRgb ? 0 : row_values);
  std::vector<float> sums(row_values);
  for (int y = 0; y < height; ++y) {
    const Span& span = rows.spans[static_cast<std::size_t>(y)];
    std::fill(sums.begin(), sums.end(), 0.0F);
    for (int i = 0; i < span.count; ++i) {
      const std::uint8_t* row = image.row(span.first + i);
      if (!converted.empty()) {
        copy_row_as_rgb(image, span.first + i, converted);
        row = converted.data();
      }
      add_row(row, rows.weights[span.weights + static_cast<std::size_t>(i)], sums);
    }
    shrink_or_grow_row(sums, columns, result.row(y));
  }
  return result;
}

}  // namespace internal
}  // namespace retinaface
