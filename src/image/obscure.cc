#include "image/obscure.h"

#include <algorithm>
#include <cmath>

#include "retinaface/blur.h"

#include "geometry/box.h"
#include "image/convert.h"
#include "image/resize.h"

namespace retinaface {

Box internal::obscured_box(const Box& face) {
  constexpr float kGrow = 0.3F;  // less leaves what detectors find again (reports/blur.md)
  return grown(face, kGrow);
}

void internal::obscure_face(Image& image, const Box& face) {
  // More fields, or smaller ones, leave what detectors find again (reports/blur.md).
  constexpr int kFields = 2;
  constexpr int kMinField_px = 12;
  const Box around = obscured_box(face);
  const Point center = face.center();
  const float radius_x = around.width() / 2;
  const float radius_y = around.height() / 2;
  const bool is_finite = std::isfinite(center.x) && std::isfinite(center.y) &&
                         std::isfinite(radius_x) && std::isfinite(radius_y);
  if (!is_finite || !(radius_x > 0 && radius_y > 0)) return;
  const Box region =
      intersection({std::floor(center.x - radius_x), std::floor(center.y - radius_y),
                    std::ceil(center.x + radius_x), std::ceil(center.y + radius_y)},
                   {0, 0, static_cast<float>(image.width()), static_cast<float>(image.height())});
  const int left = static_cast<int>(region.x0);
  const int top = static_cast<int>(region.y0);
  const int width = static_cast<int>(region.width());
  const int height = static_cast<int>(region.height());
  if (width <= 0 || height <= 0) return;
  const ImageView part = part_of(image, left, top, width, height);
  const auto fields_along = [](int side) {
    return std::clamp(side / kMinField_px, 1, int{kFields});
  };
  const Image fields =
      resize(resize(part, fields_along(width), fields_along(height)), width, height);
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) {
      const float dx = (static_cast<float>(left + x) + 0.5F - center.x) / radius_x;
      const float dy = (static_cast<float>(top + y) + 0.5F - center.y) / radius_y;
      if (dx * dx + dy * dy >= 1) continue;
      std::copy_n(fields.row(y) + 3 * x, 3, image.row(top + y) + 3 * (left + x));
    }
  }
}

void blur_faces(Image& image, ArrayView<Face> faces) {
  for (const Face& face : faces) obscure_face(image, face.box);
}

}  // namespace retinaface
