#include "mesh/refine.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "mesh/rasterizer.h"
#include "mesh/topology.h"

namespace retinaface::mesh {
namespace {

constexpr int kSide = 64;
constexpr std::size_t kMinSeen = 32;
constexpr float kPrior = 7e-4F;  // lambda for each vertex that is used
constexpr std::size_t kTextureVertices = 96;
constexpr float kMinShading = 0.02F;

/// A vertex that the image shows.
struct Seen {
  std::size_t vertex = 0;
  Vector color;    ///< in the image
  float lit = 0;   ///< share of the light
  Vector shading;  ///< factors of the albedo
};

/// Red, green and blue of a pixel, 0 to 1.
Vector pixel_at(const ImageView& image, int x, int y) {
  const std::uint8_t* const p = image.row(y) + std::ptrdiff_t{bytes_per_pixel(image.format)} * x;
  const auto share = [&](int i) { return static_cast<float>(p[i]) / 255; };
  switch (image.format) {
    case PixelFormat::kGray:
      return {share(0), share(0), share(0)};
    case PixelFormat::kBgr:
    case PixelFormat::kBgra:
      return {share(2), share(1), share(0)};
    default:
      return {share(0), share(1), share(2)};
  }
}

/// The mean of a square of the image around a point.
Vector mean_around(const ImageView& image, float x, float y, float side) {
  const float half = std::max(side, 1.0F) / 2;
  const int x0 = std::max(0, static_cast<int>(std::lround(x - half)));
  const int y0 = std::max(0, static_cast<int>(std::lround(y - half)));
  const int x1 = std::min(image.width, std::max(x0 + 1, static_cast<int>(std::lround(x + half))));
  const int y1 = std::min(image.height, std::max(y0 + 1, static_cast<int>(std::lround(y + half))));
  Vector sum;
  float count = 0;
  for (int row = y0; row < y1; ++row) {
    for (int column = x0; column < x1; ++column) {
      sum += pixel_at(image, column, row);
      ++count;
    }
  }
  return 1 / std::max(count, 1.0F) * sum;
}

std::vector<Seen> seen_vertices(const ImageView& image, const Frame& frame, const Light& light,
                                const SeenFace& face) {
  const std::span<const MeshTriangle> triangles = topology().levels.front().triangles;
  std::vector<RasterVertex> placed;
  placed.reserve(face.projected.size());
  for (const Projected& p : face.projected) {
    placed.push_back({kSide * p.u, kSide * p.v, p.turned.z});
  }
  Raster raster;
  rasterize(placed, triangles, kSide, kSide, raster);
  std::vector<Seen> seen;
  for (std::size_t i = 0; i < placed.size(); ++i) {
    constexpr float kMinFront = 0.2F;
    constexpr float kBehind = 0.08F;  // eye distances
    if (face.normals[i].z < kMinFront) continue;
    const RasterVertex& p = placed[i];
    if (!(p.x >= 0 && p.y >= 0 && p.x < kSide && p.y < kSide)) continue;
    const std::size_t cell = static_cast<std::size_t>(p.y) * kSide + static_cast<std::size_t>(p.x);
    if (raster.depth[cell] > p.z + kBehind) continue;
    const float x = frame.x0 + frame.side * p.x / kSide;
    const float y = frame.y0 + frame.side * p.y / kSide;
    if (!(x >= 0 && y >= 0 && x < static_cast<float>(image.width) &&
          y < static_cast<float>(image.height)))
      continue;
    seen.push_back({i,
                    mean_around(image, x, y, frame.side / kSide),
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

/// Solves a x = b for a symmetric matrix whose eigenvalues are over 0 (Cholesky); x is left in b.
void solve(std::vector<float>& a, std::vector<float>& b) {
  const std::size_t n = b.size();
  for (std::size_t i = 0; i < n; ++i) {
    for (std::size_t j = 0; j <= i; ++j) {
      float sum = a[i * n + j];
      for (std::size_t k = 0; k < j; ++k) sum -= a[i * n + k] * a[j * n + k];
      a[i * n + j] = i == j ? std::sqrt(sum) : sum / a[j * n + j];
    }
  }
  for (std::size_t i = 0; i < n; ++i) {
    for (std::size_t k = 0; k < i; ++k) b[i] -= a[i * n + k] * b[k];
    b[i] /= a[i * n + i];
  }
  for (std::size_t i = n; i-- > 0;) {
    for (std::size_t k = i + 1; k < n; ++k) b[i] -= a[k * n + i] * b[k];
    b[i] /= a[i * n + i];
  }
}

void fit_texture(const Decoder& decoder, const std::vector<Seen>& seen,
                 const std::vector<Vector>& mean, Parameters& parameters) {
  // A part of the vertices says it all, and costs less.
  const std::size_t every = std::max<std::size_t>(1, seen.size() / kTextureVertices);
  std::size_t used = 0;
  std::vector<float> matrix(kTextureCodes * kTextureCodes);
  std::vector<float> right(kTextureCodes);
  std::array<std::array<float, kTextureCodes>, 3> rows{};
  for (std::size_t at = 0; at < seen.size(); at += every, ++used) {
    const Seen& s = seen[at];
    for (std::size_t k = 0; k < kTextureCodes; ++k) {
      const Vector t = decoder.texture_component(k, s.vertex);
      rows[0][k] = t.x * s.shading.x;
      rows[1][k] = t.y * s.shading.y;
      rows[2][k] = t.z * s.shading.z;
    }
    const Vector& m = mean[s.vertex];
    const std::array<float, 3> off = {s.color.x - m.x * s.shading.x, s.color.y - m.y * s.shading.y,
                                      s.color.z - m.z * s.shading.z};
    for (std::size_t c = 0; c < 3; ++c) {
      const auto& row = rows[c];
      for (std::size_t i = 0; i < kTextureCodes; ++i) {
        right[i] += row[i] * off[c];
        float* const line = matrix.data() + i * kTextureCodes;
        for (std::size_t j = 0; j <= i; ++j) line[j] += row[i] * row[j];
      }
    }
  }
  for (std::size_t i = 0; i < kTextureCodes; ++i) {
    matrix[i * kTextureCodes + i] += kPrior * static_cast<float>(used);
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
  if (seen.size() < kMinSeen) return;
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
