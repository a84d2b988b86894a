#include "mesh/refine.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "mesh/mean_color.h"
#include "mesh/rasterizer.h"
#include "mesh/rows.h"
#include "mesh/solve.h"
#include "mesh/topology.h"

namespace retinaface::mesh {
namespace {

constexpr int kSide = 64;       // of the frame, in pixels that colors are means of
constexpr int kDepthSide = 32;  // of the raster that tells what is hidden
constexpr std::size_t kMinSeen = 32;
constexpr float kPrior = 1e-4F;  // lambda for each vertex; as tools/mesh/decoder.py has it
constexpr std::size_t kUsedVertices = 112;
constexpr float kMinShading = 0.02F;

/// A vertex that the image shows.
struct Seen {
  std::size_t vertex = 0;
  Vector color;    ///< in the image
  float lit = 0;   ///< share of the light
  Vector shading;  ///< factors of the albedo
};

/// At most kUsedVertices of those that are seen in the image, spread over the face: a part says it
/// all, and costs less. None where fewer than kMinSeen are seen.
std::vector<Seen> seen_vertices(const ImageView& image, const Frame& frame, const Light& light,
                                const SeenFace& face) {
  std::vector<RasterVertex> placed;
  placed.reserve(face.projected.size());
  for (const Projected& p : face.projected) {
    placed.push_back({kDepthSide * p.u, kDepthSide * p.v, p.turned.z});
  }
  Raster raster;
  rasterize(placed, topology().levels.front().triangles, kDepthSide, kDepthSide, raster);
  const auto place = [&](std::size_t i) {
    return Point{frame.x0 + frame.side * face.projected[i].u,
                 frame.y0 + frame.side * face.projected[i].v};
  };
  std::vector<std::size_t> visible;
  visible.reserve(placed.size());
  for (std::size_t i = 0; i < placed.size(); ++i) {
    constexpr float kMinFront = 0.2F;
    constexpr float kBehind = 0.12F;  // eye distances
    if (face.normals[i].z < kMinFront) continue;
    const RasterVertex& p = placed[i];
    if (!(p.x >= 0 && p.y >= 0 && p.x < kDepthSide && p.y < kDepthSide)) continue;
    const std::size_t cell =
        static_cast<std::size_t>(p.y) * kDepthSide + static_cast<std::size_t>(p.x);
    if (raster.depth[cell] > p.z + kBehind) continue;
    const Point at = place(i);
    if (at.x >= 0 && at.y >= 0 && at.x < static_cast<float>(image.width) &&
        at.y < static_cast<float>(image.height))
      visible.push_back(i);
  }
  std::vector<Seen> seen;
  if (visible.size() < kMinSeen) return seen;
  const std::size_t every = (visible.size() + kUsedVertices - 1) / kUsedVertices;
  const MeanColor color(image, frame.side / kSide);
  for (std::size_t at = 0; at < visible.size(); at += every) {
    const std::size_t i = visible[at];
    const Point point = place(i);
    seen.push_back({i,
                    color(point.x, point.y),
                    lit_share(light, face.projected[i].turned, face.normals[i]),
                    {}});
  }
  return seen;
}

/// Ambient and diffuse light of one channel by least squares, neither below 0.
void fit_channel(const std::vector<Seen>& seen, const std::vector<Vector>& albedo,
                 float Vector::*channel, float& ambient, float& diffuse) {
  double aa = 0;
  double al = 0;
  double ll = 0;
  double ac = 0;
  double lc = 0;
  for (const Seen& s : seen) {
    const double a = albedo[s.vertex].*channel;
    const double l = a * s.lit;
    const double c = s.color.*channel;
    aa += a * a;
    al += a * l;
    ll += l * l;
    ac += a * c;
    lc += l * c;
  }
  const double determinant = aa * ll - al * al;
  double a = determinant > 1e-9 ? (ll * ac - al * lc) / determinant : -1;
  double d = determinant > 1e-9 ? (aa * lc - al * ac) / determinant : -1;
  if (d < 0) {
    d = 0;
    a = ac / std::max(aa, 1e-9);
  } else if (a < 0) {
    a = 0;
    d = lc / std::max(ll, 1e-9);
  }
  ambient = std::max(kMinShading, static_cast<float>(a));
  diffuse = std::max(kMinShading / 10, static_cast<float>(d));
}

void fit_texture(const Decoder& decoder, const std::vector<Seen>& seen,
                 const std::vector<Vector>& mean, Parameters& parameters) {
  // What each code does to each channel of each vertex, and what the mean leaves of it.
  const std::size_t values = 3 * seen.size();
  std::vector<float> effects(kTextureCodes * values);
  std::vector<float> off(values);
  for (std::size_t k = 0; k < kTextureCodes; ++k) {
    float* to = effects.data() + k * values;
    for (const Seen& s : seen) {
      const Vector t = decoder.texture_component(k, s.vertex);
      *to++ = t.x * s.shading.x;
      *to++ = t.y * s.shading.y;
      *to++ = t.z * s.shading.z;
    }
  }
  for (std::size_t i = 0; i < seen.size(); ++i) {
    const Seen& s = seen[i];
    const Vector& m = mean[s.vertex];
    off[3 * i] = s.color.x - m.x * s.shading.x;
    off[3 * i + 1] = s.color.y - m.y * s.shading.y;
    off[3 * i + 2] = s.color.z - m.z * s.shading.z;
  }
  std::vector<float> matrix(kTextureCodes * kTextureCodes);
  std::vector<float> right(kTextureCodes);
  add_products(effects, off, right);
  for (std::size_t i = 0; i < kTextureCodes; ++i) {
    // The lower half of the matrix.
    add_products(std::span(effects).first((i + 1) * values),
                 std::span(effects).subspan(i * values, values),
                 std::span(matrix).subspan(i * kTextureCodes, i + 1));
    matrix[i * kTextureCodes + i] += kPrior * static_cast<float>(seen.size());
  }
  solve(matrix, right);
  for (std::size_t i = 0; i < kTextureCodes; ++i) {
    parameters.texture[i] = right[i];
  }
}

}  // namespace

void refine_colors(const Decoder& decoder, const ImageView& image, const Frame& frame,
                   const SeenFace& face, Parameters& parameters) {
  std::vector<Seen> seen = seen_vertices(image, frame, Light(parameters.light), face);
  if (seen.empty()) return;
  const std::vector<Vector> mean = decoder.mean_texture();
  Vector ambient;
  Vector diffuse;
  for (float Vector::*const channel : {&Vector::x, &Vector::y, &Vector::z}) {
    fit_channel(seen, mean, channel, ambient.*channel, diffuse.*channel);
  }
  const auto put = [&](std::size_t c, float a, float d) {
    parameters.light[3 + c] = std::log(d / kDiffuse) / kLightStep;
    parameters.light[6 + c] = std::log(a / kAmbient) / kLightStep;
  };
  put(0, ambient.x, diffuse.x);
  put(1, ambient.y, diffuse.y);
  put(2, ambient.z, diffuse.z);
  for (Seen& s : seen) s.shading = ambient + s.lit * diffuse;
  fit_texture(decoder, seen, mean, parameters);
}

}  // namespace retinaface::mesh
