#include "geometry/similarity.h"

#include "base/check.h"

namespace retinaface {
inline namespace internal {
namespace {

struct Mean {
  double x = 0;
  double y = 0;
};

Mean mean_of(std::span<const Point> points) {
  Mean mean;
  for (const Point& point : points) {
    mean.x += double{point.x} / static_cast<double>(points.size());
    mean.y += double{point.y} / static_cast<double>(points.size());
  }
  return mean;
}

}  // namespace

Similarity fit_similarity(std::span<const Point> from, std::span<const Point> to) {
  RF_CHECK(!from.empty() && from.size() == to.size());
  const Mean p0 = mean_of(from);
  const Mean q0 = mean_of(to);
  double along = 0;
  double across = 0;
  double spread = 0;
  for (std::size_t i = 0; i < from.size(); ++i) {
    const double px = from[i].x - p0.x;
    const double py = from[i].y - p0.y;
    const double qx = to[i].x - q0.x;
    const double qy = to[i].y - q0.y;
    along += px * qx + py * qy;
    across += px * qy - py * qx;
    spread += px * px + py * py;
  }
  const double a = spread > 0 ? along / spread : 1;
  const double b = spread > 0 ? across / spread : 0;
  return {static_cast<float>(a),
          static_cast<float>(b),
          {static_cast<float>(q0.x - a * p0.x + b * p0.y),
           static_cast<float>(q0.y - b * p0.x - a * p0.y)}};
}

}  // namespace internal
}  // namespace retinaface
