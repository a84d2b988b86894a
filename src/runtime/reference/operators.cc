#include "runtime/reference/operators.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/check.h"

namespace retinaface::runtime::reference {
namespace {

using graph::Shape;

/// Sets each element of `out` to value(c, y, x).
template <typename Value>
void fill(Map& out, Value value) {
  for (std::int64_t c = 0; c < out.shape.c; ++c) {
    for (std::int64_t y = 0; y < out.shape.h; ++y) {
      for (std::int64_t x = 0; x < out.shape.w; ++x) out.at(c, y, x) = value(c, y, x);
    }
  }
}

bool inside(const Shape& shape, std::int64_t y, std::int64_t x) {
  return y >= 0 && y < shape.h && x >= 0 && x < shape.w;
}

/// The map at a place between its cells, by bilinear interpolation; cells outside are 0.
double interpolated(const Map& map, std::int64_t c, double y, double x) {
  const double top = std::floor(y);
  const double left = std::floor(x);
  double sum = 0;
  for (const double cell_y : {top, top + 1}) {
    for (const double cell_x : {left, left + 1}) {
      const double share = (1 - std::abs(y - cell_y)) * (1 - std::abs(x - cell_x));
      // What is not a number lies outside, too.
      const bool here = cell_y >= 0 && cell_x >= 0 && cell_y < static_cast<double>(map.shape.h) &&
                        cell_x < static_cast<double>(map.shape.w);
      if (!here) continue;
      sum +=
          share * map.at(c, static_cast<std::int64_t>(cell_y), static_cast<std::int64_t>(cell_x));
    }
  }
  return sum;
}

/// One operator's meaning.
struct Evaluate {
  const graph::Node& node;
  const graph::Weights& weights;
  std::span<const Map* const> inputs;
  Map& out;

  const graph::Tensor& parameter(const char* suffix) const {
    return weights.at(node.parameter(suffix));
  }

  void operator()(const graph::Input&) const { RF_CHECK(false); }

  void operator()(const graph::Convolution& conv) const {
    const Map& in = *inputs[0];
    const std::span<const float> weight = parameter("weight").values();
    const std::span<const float> bias =
        conv.bias ? parameter("bias").values() : std::span<const float>();
    const std::int64_t in_per_group = in.shape.c / conv.groups;
    const std::int64_t out_per_group = conv.out_channels / conv.groups;
    fill(out, [&](std::int64_t c, std::int64_t y, std::int64_t x) {
      double sum = bias.empty() ? 0.0 : double{bias[static_cast<std::size_t>(c)]};
      const std::int64_t first_in = c / out_per_group * in_per_group;
      for (std::int64_t i = 0; i < in_per_group; ++i) {
        for (std::int64_t dy = 0; dy < conv.kernel; ++dy) {
          for (std::int64_t dx = 0; dx < conv.kernel; ++dx) {
            const std::int64_t in_y = y * conv.stride - conv.padding + dy;
            const std::int64_t in_x = x * conv.stride - conv.padding + dx;
            if (!inside(in.shape, in_y, in_x)) continue;
            const auto w = ((c * in_per_group + i) * conv.kernel + dy) * conv.kernel + dx;
            sum += in.at(first_in + i, in_y, in_x) * double{weight[static_cast<std::size_t>(w)]};
          }
        }
      }
      return sum;
    });
  }

  void operator()(const graph::DeformableConvolution& conv) const {
    const Map& in = *inputs[0];
    const Map& offsets = *inputs[1];
    const std::span<const float> weight = parameter("weight").values();
    const std::span<const float> bias =
        conv.bias ? parameter("bias").values() : std::span<const float>();
    const std::int64_t points = conv.kernel * conv.kernel;
    fill(out, [&](std::int64_t c, std::int64_t y, std::int64_t x) {
      double sum = bias.empty() ? 0.0 : double{bias[static_cast<std::size_t>(c)]};
      for (std::int64_t k = 0; k < points; ++k) {
        const double in_y = static_cast<double>(y * conv.stride - conv.padding + k / conv.kernel) +
                            offsets.at(2 * k, y, x);
        const double in_x = static_cast<double>(x * conv.stride - conv.padding + k % conv.kernel) +
                            offsets.at(2 * k + 1, y, x);
        const double mask = 2 / (1 + std::exp(-offsets.at(2 * points + k, y, x)));
        for (std::int64_t i = 0; i < in.shape.c; ++i) {
          const auto w = static_cast<std::size_t>((c * in.shape.c + i) * points + k);
          sum += mask * interpolated(in, i, in_y, in_x) * double{weight[w]};
        }
      }
      return sum;
    });
  }

  void operator()(const graph::BatchNorm& norm) const {
    const Map& in = *inputs[0];
    const auto at = [&](const char* suffix, std::int64_t c) {
      return double{parameter(suffix).values()[static_cast<std::size_t>(c)]};
    };
    fill(out, [&](std::int64_t c, std::int64_t y, std::int64_t x) {
      return (in.at(c, y, x) - at("running_mean", c)) /
                 std::sqrt(at("running_var", c) + double{norm.epsilon}) * at("weight", c) +
             at("bias", c);
    });
  }

  void operator()(const graph::LeakyRelu& relu) const {
    std::ranges::transform(inputs[0]->values, out.values.begin(), [&](double value) {
      return value > 0 ? value : value * double{relu.slope};
    });
  }

  void operator()(const graph::Add&) const {
    std::ranges::transform(inputs[0]->values, inputs[1]->values, out.values.begin(), std::plus<>());
  }

  void operator()(const graph::Concat&) const {
    auto to = out.values.begin();
    for (const Map* in : inputs) to = std::ranges::copy(in->values, to).out;
  }

  void operator()(const graph::UpsampleLike&) const {
    const Map& in = *inputs[0];
    fill(out, [&](std::int64_t c, std::int64_t y, std::int64_t x) {
      return in.at(c, y * in.shape.h / out.shape.h, x * in.shape.w / out.shape.w);
    });
  }

  void operator()(const graph::MaxPool& pool) const {
    const Map& in = *inputs[0];
    fill(out, [&](std::int64_t c, std::int64_t y, std::int64_t x) {
      double best = -std::numeric_limits<double>::infinity();
      for (std::int64_t dy = 0; dy < pool.kernel; ++dy) {
        for (std::int64_t dx = 0; dx < pool.kernel; ++dx) {
          const std::int64_t in_y = y * pool.stride - pool.padding + dy;
          const std::int64_t in_x = x * pool.stride - pool.padding + dx;
          if (inside(in.shape, in_y, in_x)) best = std::max(best, in.at(c, in_y, in_x));
        }
      }
      return best;
    });
  }

  void operator()(const graph::AveragePool& pool) const {
    const Map& in = *inputs[0];
    fill(out, [&](std::int64_t c, std::int64_t y, std::int64_t x) {
      double sum = 0;
      int cells = 0;
      for (std::int64_t dy = 0; dy < pool.kernel; ++dy) {
        for (std::int64_t dx = 0; dx < pool.kernel; ++dx) {
          const std::int64_t in_y = y * pool.stride - pool.padding + dy;
          const std::int64_t in_x = x * pool.stride - pool.padding + dx;
          if (!inside(in.shape, in_y, in_x)) continue;
          sum += in.at(c, in_y, in_x);
          ++cells;
        }
      }
      return sum / cells;
    });
  }

  void operator()(const graph::GlobalAveragePool&) const {
    const Map& in = *inputs[0];
    fill(out, [&](std::int64_t c, std::int64_t, std::int64_t) {
      double sum = 0;
      for (std::int64_t y = 0; y < in.shape.h; ++y) {
        for (std::int64_t x = 0; x < in.shape.w; ++x) sum += in.at(c, y, x);
      }
      return sum / static_cast<double>(in.shape.h * in.shape.w);
    });
  }

  void operator()(const graph::PRelu&) const {
    const Map& in = *inputs[0];
    const std::span<const float> slope = parameter("weight").values();
    fill(out, [&](std::int64_t c, std::int64_t y, std::int64_t x) {
      const double value = in.at(c, y, x);
      return value > 0 ? value : value * double{slope[static_cast<std::size_t>(c)]};
    });
  }

  void operator()(const graph::Sigmoid&) const {
    std::ranges::transform(inputs[0]->values, out.values.begin(),
                           [](double value) { return 1 / (1 + std::exp(-value)); });
  }

  void operator()(const graph::Softmax& softmax) const {
    const Map& in = *inputs[0];
    fill(out, [&](std::int64_t c, std::int64_t y, std::int64_t x) {
      const std::int64_t first = c / softmax.channels * softmax.channels;
      double sum = 0;  // of the powers over that of channel c
      for (std::int64_t i = first; i < first + softmax.channels; ++i) {
        sum += std::exp(in.at(i, y, x) - in.at(c, y, x));
      }
      return 1 / sum;
    });
  }

  void operator()(const graph::Clip& clip) const {
    std::ranges::transform(inputs[0]->values, out.values.begin(), [&](double value) {
      return std::min(std::max(value, double{clip.min}), double{clip.max});
    });
  }

  void operator()(const graph::Pad& pad) const {
    const Map& in = *inputs[0];
    fill(out, [&](std::int64_t c, std::int64_t y, std::int64_t x) {
      const bool is_inside = inside(in.shape, y - pad.top, x - pad.left);
      return is_inside ? in.at(c, y - pad.top, x - pad.left) : double{pad.value};
    });
  }

  void operator()(const graph::GridSample& op) const {
    const Map& in = *inputs[0];
    const Map& grid = *inputs[1];
    const auto at = [&](std::int64_t c, double y, double x) {
      // Compared as real numbers: some are far outside.
      const bool is_inside = y >= 0 && x >= 0 && y < static_cast<double>(in.shape.h) &&
                             x < static_cast<double>(in.shape.w);
      return is_inside ? in.at(c, static_cast<std::int64_t>(y), static_cast<std::int64_t>(x)) : 0.0;
    };
    fill(out, [&](std::int64_t c, std::int64_t y, std::int64_t x) {
      const double at_x = op.cell(grid.at(0, y, x), in.shape.w);
      const double at_y = op.cell(grid.at(1, y, x), in.shape.h);
      if (op.nearest) return at(c, std::nearbyint(at_y), std::nearbyint(at_x));
      const double x0 = std::floor(at_x);
      const double y0 = std::floor(at_y);
      const double dx = at_x - x0;
      const double dy = at_y - y0;
      return (1 - dy) * ((1 - dx) * at(c, y0, x0) + dx * at(c, y0, x0 + 1)) +
             dy * ((1 - dx) * at(c, y0 + 1, x0) + dx * at(c, y0 + 1, x0 + 1));
    });
  }

  void operator()(const graph::Arithmetic& op) const {
    const Map& in = *inputs[0];
    const Map& other = *inputs[1];
    fill(out, [&](std::int64_t c, std::int64_t y, std::int64_t x) {
      const double a = in.at(c, y, x);
      const double b = other.at(other.shape.c == 1 ? 0 : c, other.shape.h == 1 ? 0 : y,
                                other.shape.w == 1 ? 0 : x);
      switch (op.kind) {
        case graph::Arithmetic::Kind::kSubtract:
          return a - b;
        case graph::Arithmetic::Kind::kMultiply:
          return a * b;
        case graph::Arithmetic::Kind::kDivide:
          return a / b;
      }
      RF_CHECK(false);
    });
  }
};

}  // namespace

Map evaluate(const graph::Node& node, const graph::Weights& weights,
             std::span<const Map* const> inputs, const Shape& shape) {
  Map out(shape);
  std::visit(Evaluate{node, weights, inputs, out}, node.op);
  return out;
}

}  // namespace retinaface::runtime::reference
