#include "support/onnx_evaluation.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <functional>
#include <limits>
#include <numeric>
#include <stdexcept>

#include <onnx/checker.h>
#include <onnx/shape_inference/implementation.h>

namespace retinaface::testing {
namespace {

using ::onnx::AttributeProto;
using ::onnx::NodeProto;
using ::onnx::TensorProto;
using Shape = std::vector<std::int64_t>;

void require(bool condition, const std::string& what) {
  if (!condition) throw std::runtime_error("not evaluated: " + what);
}

std::int64_t elements(const Shape& shape) {
  return std::accumulate(shape.begin(), shape.end(), std::int64_t{1}, std::multiplies<>());
}

std::size_t at(std::int64_t i) {
  return static_cast<std::size_t>(i);
}

OnnxValue of_shape(Shape shape) {
  OnnxValue value{std::move(shape), {}};
  value.values.resize(at(elements(value.shape)));
  return value;
}

template <typename T>
void read_raw(const std::string& raw, std::vector<double>& values) {
  require(raw.size() == values.size() * sizeof(T), "a tensor whose bytes are not its elements");
  for (std::size_t i = 0; i < values.size(); ++i) {
    T element;
    std::memcpy(&element, raw.data() + i * sizeof(T), sizeof(T));
    values[i] = static_cast<double>(element);
  }
}

OnnxValue value_of(const TensorProto& tensor) {
  OnnxValue value = of_shape({tensor.dims().begin(), tensor.dims().end()});
  if (tensor.data_type() == TensorProto::FLOAT) {
    read_raw<float>(tensor.raw_data(), value.values);
  } else {
    require(tensor.data_type() == TensorProto::INT64, "type of " + tensor.name());
    read_raw<std::int64_t>(tensor.raw_data(), value.values);
  }
  return value;
}

/// One node with its inputs (null where one is left out).
struct Node {
  const NodeProto& proto;
  std::vector<const OnnxValue*> inputs;

  const OnnxValue& input(std::size_t i) const {
    require(i < inputs.size() && inputs[i] != nullptr, proto.op_type() + " without its input");
    return *inputs[i];
  }
  bool has(std::size_t i) const { return i < inputs.size() && inputs[i] != nullptr; }
  Shape integers_of_input(std::size_t i) const {
    Shape result;
    for (const double value : input(i).values) result.push_back(static_cast<std::int64_t>(value));
    return result;
  }

  const AttributeProto* find(const std::string& name) const {
    for (const AttributeProto& attribute : proto.attribute()) {
      if (attribute.name() == name) return &attribute;
    }
    return nullptr;
  }
  std::int64_t integer(const std::string& name, std::int64_t otherwise) const {
    const auto* const found = find(name);
    return found == nullptr ? otherwise : found->i();
  }
  float number(const std::string& name, float otherwise) const {
    const auto* const found = find(name);
    return found == nullptr ? otherwise : found->f();
  }
  Shape integers(const std::string& name, Shape otherwise) const {
    const auto* const found = find(name);
    return found == nullptr ? otherwise : Shape(found->ints().begin(), found->ints().end());
  }
  void expect(const std::string& name, const std::string& wanted) const {
    const auto* const found = find(name);
    require(found != nullptr && found->s() == wanted, proto.op_type() + " but for " + wanted);
  }
};

/// A window over the last two of four extents: calls visit(cell, weight) for each pair of an index
/// into one plane of the input and one into the kernel.
struct Window {
  std::int64_t kernel_h, kernel_w, stride_h, stride_w, top, left, height, width;  // of the input
  std::int64_t out_h, out_w;

  Window(const Node& node, const Shape& in) {
    const Shape kernel = node.integers("kernel_shape", {});
    const Shape strides = node.integers("strides", {1, 1});
    const Shape pads = node.integers("pads", {0, 0, 0, 0});
    require(in.size() == 4 && kernel.size() == 2 && node.find("dilations") == nullptr &&
                node.find("auto_pad") == nullptr && node.integer("ceil_mode", 0) == 0,
            node.proto.op_type() + " of this kind");
    kernel_h = kernel[0], kernel_w = kernel[1];
    stride_h = strides[0], stride_w = strides[1];
    top = pads[0], left = pads[1];
    height = in[2], width = in[3];
    out_h = (height + pads[0] + pads[2] - kernel_h) / stride_h + 1;
    out_w = (width + pads[1] + pads[3] - kernel_w) / stride_w + 1;
  }

  template <typename Visit>
  void visit(std::int64_t y, std::int64_t x, Visit visit) const {
    for (std::int64_t dy = 0; dy < kernel_h; ++dy) {
      for (std::int64_t dx = 0; dx < kernel_w; ++dx) {
        const std::int64_t in_y = y * stride_h - top + dy;
        const std::int64_t in_x = x * stride_w - left + dx;
        if (in_y < 0 || in_y >= height || in_x < 0 || in_x >= width) continue;
        visit(at(in_y * width + in_x), at(dy * kernel_w + dx));
      }
    }
  }
};

OnnxValue convolution(const Node& node) {
  const OnnxValue& in = node.input(0);
  const OnnxValue& weight = node.input(1);
  const Window window(node, in.shape);
  const std::int64_t groups = node.integer("group", 1);
  const std::int64_t out_channels = weight.shape[0];
  const std::int64_t in_per_group = weight.shape[1];
  require(in.shape[1] == in_per_group * groups && weight.shape[2] == window.kernel_h &&
              weight.shape[3] == window.kernel_w,
          "Conv of shapes that do not fit");
  OnnxValue out = of_shape({in.shape[0], out_channels, window.out_h, window.out_w});
  double* to = out.values.data();
  for (std::int64_t n = 0; n < in.shape[0]; ++n) {
    for (std::int64_t c = 0; c < out_channels; ++c) {
      const std::int64_t first = n * in.shape[1] + c / (out_channels / groups) * in_per_group;
      for (std::int64_t y = 0; y < window.out_h; ++y) {
        for (std::int64_t x = 0; x < window.out_w; ++x) {
          double sum = node.has(2) ? node.input(2).values[at(c)] : 0;
          for (std::int64_t i = 0; i < in_per_group; ++i) {
            const double* const plane = &in.values[at((first + i) * window.height * window.width)];
            const double* const kernel =
                &weight.values[at((c * in_per_group + i) * window.kernel_h * window.kernel_w)];
            window.visit(y, x,
                         [&](std::size_t cell, std::size_t w) { sum += plane[cell] * kernel[w]; });
          }
          *to++ = sum;
        }
      }
    }
  }
  return out;
}

OnnxValue max_pool(const Node& node) {
  const OnnxValue& in = node.input(0);
  const Window window(node, in.shape);
  OnnxValue out = of_shape({in.shape[0], in.shape[1], window.out_h, window.out_w});
  double* to = out.values.data();
  for (std::int64_t plane = 0; plane < in.shape[0] * in.shape[1]; ++plane) {
    const double* const from = &in.values[at(plane * window.height * window.width)];
    for (std::int64_t y = 0; y < window.out_h; ++y) {
      for (std::int64_t x = 0; x < window.out_w; ++x) {
        double best = -std::numeric_limits<double>::infinity();
        window.visit(y, x,
                     [&](std::size_t cell, std::size_t) { best = std::max(best, from[cell]); });
        *to++ = best;
      }
    }
  }
  return out;
}

OnnxValue batch_normalization(const Node& node) {
  OnnxValue out = node.input(0);
  const std::int64_t plane = elements({out.shape.begin() + 2, out.shape.end()});
  for (std::size_t i = 0; i < out.values.size(); ++i) {
    const std::size_t c = i / at(plane) % at(out.shape[1]);
    const auto of_channel = [&](std::size_t input) { return node.input(input).values[c]; };
    out.values[i] = (out.values[i] - of_channel(3)) /
                        std::sqrt(of_channel(4) + double{node.number("epsilon", 1e-5F)}) *
                        of_channel(1) +
                    of_channel(2);
  }
  return out;
}

OnnxValue resize(const Node& node) {
  node.expect("mode", "nearest");
  node.expect("nearest_mode", "floor");
  node.expect("coordinate_transformation_mode", "asymmetric");
  require(!node.has(1) && !node.has(2), "Resize by scales");
  const OnnxValue& in = node.input(0);
  const Shape sizes = node.integers_of_input(3);
  require(sizes.size() == 4 && in.shape.size() == 4 && sizes[0] == in.shape[0] &&
              sizes[1] == in.shape[1],
          "Resize of other than the last two of four extents");
  OnnxValue out = of_shape(sizes);
  double* to = out.values.data();
  for (std::int64_t plane = 0; plane < sizes[0] * sizes[1]; ++plane) {
    for (std::int64_t y = 0; y < sizes[2]; ++y) {
      const std::int64_t from_y = y * in.shape[2] / sizes[2];
      for (std::int64_t x = 0; x < sizes[3]; ++x) {
        const std::int64_t from_x = x * in.shape[3] / sizes[3];
        *to++ = in.values[at((plane * in.shape[2] + from_y) * in.shape[3] + from_x)];
      }
    }
  }
  return out;
}

OnnxValue grid_sample(const Node& node) {
  node.expect("mode", "bilinear");
  node.expect("padding_mode", "zeros");
  require(node.integer("align_corners", 0) == 0, "GridSample with aligned corners");
  const OnnxValue& in = node.input(0);
  const OnnxValue& grid = node.input(1);
  require(in.shape.size() == 4 && grid.shape.size() == 4 && grid.shape[0] == in.shape[0] &&
              grid.shape[3] == 2,
          "GridSample of such shapes");
  const std::int64_t height = in.shape[2];
  const std::int64_t width = in.shape[3];
  const std::int64_t places = grid.shape[1] * grid.shape[2];
  OnnxValue out = of_shape({in.shape[0], in.shape[1], grid.shape[1], grid.shape[2]});
  double* to = out.values.data();
  for (std::int64_t n = 0; n < in.shape[0]; ++n) {
    for (std::int64_t c = 0; c < in.shape[1]; ++c) {
      const double* const plane = &in.values[at((n * in.shape[1] + c) * height * width)];
      for (std::int64_t place = 0; place < places; ++place) {
        const double* const xy = &grid.values[at(2 * (n * places + place))];
        // -1 is the outer edge of the first cell, 1 that of the last; cells' centres are whole.
        const double x = ((xy[0] + 1) * static_cast<double>(width) - 1) / 2;
        const double y = ((xy[1] + 1) * static_cast<double>(height) - 1) / 2;
        double sum = 0;
        for (std::int64_t row = 0; row < height; ++row) {
          const double share_y = 1 - std::abs(y - static_cast<double>(row));
          if (share_y <= 0) continue;
          for (std::int64_t column = 0; column < width; ++column) {
            const double share_x = 1 - std::abs(x - static_cast<double>(column));
            if (share_x > 0) sum += share_y * share_x * plane[row * width + column];
          }
        }
        *to++ = sum;
      }
    }
  }
  return out;
}

OnnxValue transpose(const Node& node) {
  const OnnxValue& in = node.input(0);
  const Shape order = node.integers("perm", {});
  require(order.size() == in.shape.size(), "Transpose without its order");
  OnnxValue out = in;
  for (std::size_t axis = 0; axis < order.size(); ++axis)
    out.shape[axis] = in.shape[at(order[axis])];
  Shape index(order.size());
  for (std::size_t i = 0; i < out.values.size(); ++i) {
    std::int64_t rest = static_cast<std::int64_t>(i);
    for (std::size_t axis = order.size(); axis-- > 0; rest /= out.shape[axis]) {
      index[at(order[axis])] = rest % out.shape[axis];
    }
    std::int64_t from = 0;
    for (std::size_t axis = 0; axis < index.size(); ++axis) {
      from = from * in.shape[axis] + index[axis];
    }
    out.values[i] = in.values[at(from)];
  }
  return out;
}

OnnxValue reshape(const Node& node) {
  OnnxValue out = node.input(0);
  Shape shape = node.integers_of_input(1);
  require(node.integer("allowzero", 0) == 0, "Reshape with zeros allowed");
  for (std::size_t axis = 0; axis < shape.size(); ++axis) {
    if (shape[axis] == 0) shape[axis] = out.shape.at(axis);
  }
  const auto open = std::ranges::find(shape, -1);
  if (open != shape.end()) {
    *open = 1;
    *open = elements(out.shape) / elements(shape);
  }
  require(elements(shape) == elements(out.shape), "Reshape to another number of elements");
  out.shape = std::move(shape);
  return out;
}

OnnxValue concat(const Node& node) {
  Shape shape = node.input(0).shape;
  const auto rank = static_cast<std::int64_t>(shape.size());
  const std::int64_t axis = (node.integer("axis", 0) + rank) % rank;
  for (std::size_t i = 1; i < node.inputs.size(); ++i) {
    Shape other = node.input(i).shape;
    require(other.size() == shape.size(), "Concat of several ranks");
    shape[at(axis)] += other[at(axis)];
    other[at(axis)] = shape[at(axis)];
    require(other == shape, "Concat of shapes that do not fit");
  }
  OnnxValue out{shape, {}};
  const std::int64_t outer = elements({shape.begin(), shape.begin() + axis});
  for (std::int64_t i = 0; i < outer; ++i) {
    for (const OnnxValue* input : node.inputs) {
      const auto run = static_cast<std::ptrdiff_t>(input->values.size()) / outer;
      out.values.insert(out.values.end(), input->values.begin() + i * run,
                        input->values.begin() + (i + 1) * run);
    }
  }
  return out;
}

OnnxValue slice(const Node& node) {
  const OnnxValue& in = node.input(0);
  const Shape begin = node.integers_of_input(1);
  const Shape end = node.integers_of_input(2);
  const Shape axis = node.integers_of_input(3);
  const Shape step = node.has(4) ? node.integers_of_input(4) : Shape{1};
  require(axis.size() == 1 && begin[0] >= 0 && step[0] > 0 && end[0] <= in.shape[at(axis[0])],
          "Slice but for one axis, upwards");
  const std::int64_t extent = in.shape[at(axis[0])];
  const std::int64_t outer = elements({in.shape.begin(), in.shape.begin() + axis[0]});
  const std::int64_t inner = elements({in.shape.begin() + axis[0] + 1, in.shape.end()});
  OnnxValue out{in.shape, {}};
  out.shape[at(axis[0])] = (end[0] - begin[0] + step[0] - 1) / step[0];
  for (std::int64_t o = 0; o < outer; ++o) {
    for (std::int64_t i = begin[0]; i < end[0]; i += step[0]) {
      const auto first = in.values.begin() + (o * extent + i) * inner;
      out.values.insert(out.values.end(), first, first + inner);
    }
  }
  return out;
}

/// Extents that differ are 1 in one of the two, or missing in front.
template <typename Combine>
OnnxValue element_wise(const Node& node, Combine combine) {
  const OnnxValue& a = node.input(0);
  const OnnxValue& b = node.input(1);
  const std::size_t rank = std::max(a.shape.size(), b.shape.size());
  const auto extent = [&](const Shape& shape, std::size_t axis) {
    const std::size_t missing = rank - shape.size();
    return axis < missing ? 1 : shape[axis - missing];
  };
  Shape shape(rank);
  for (std::size_t axis = 0; axis < rank; ++axis) {
    const std::int64_t x = extent(a.shape, axis);
    const std::int64_t y = extent(b.shape, axis);
    require(x == y || x == 1 || y == 1, node.proto.op_type() + " of shapes that do not fit");
    shape[axis] = std::max(x, y);
  }
  OnnxValue out = of_shape(shape);
  for (std::size_t i = 0; i < out.values.size(); ++i) {
    const auto place = [&](const Shape& of) {
      auto rest = static_cast<std::int64_t>(i);
      std::int64_t index = 0;
      std::int64_t stride = 1;
      for (std::size_t axis = rank; axis-- > 0; rest /= shape[axis]) {
        const std::int64_t own = extent(of, axis);
        if (own > 1) index += rest % shape[axis] * stride;
        stride *= own;
      }
      return at(index);
    };
    out.values[i] = combine(a.values[place(a.shape)], b.values[place(b.shape)]);
  }
  return out;
}

template <typename Change>
OnnxValue each(const Node& node, Change change) {
  OnnxValue out = node.input(0);
  std::ranges::transform(out.values, out.values.begin(), change);
  return out;
}

OnnxValue shape_of(const Node& node) {
  const Shape& shape = node.input(0).shape;
  const std::int64_t begin = node.integer("start", 0);
  const std::int64_t end = node.integer("end", static_cast<std::int64_t>(shape.size()));
  return {{end - begin}, {shape.begin() + begin, shape.begin() + end}};
}

OnnxValue range(const Node& node) {
  const double begin = node.input(0).values.at(0);
  const double end = node.input(1).values.at(0);
  const double step = node.input(2).values.at(0);
  require(node.input(1).shape.empty() && step > 0, "Range of such inputs");
  OnnxValue out;
  for (double value = begin; value < end; value += step) out.values.push_back(value);
  out.shape = {static_cast<std::int64_t>(out.values.size())};
  return out;
}

OnnxValue squeeze(const Node& node) {
  OnnxValue out = node.input(0);
  require(!node.has(1), "Squeeze of given axes");
  std::erase(out.shape, 1);
  return out;
}

OnnxValue softmax(const Node& node) {
  OnnxValue out = node.input(0);
  require(node.integer("axis", -1) == static_cast<std::int64_t>(out.shape.size()) - 1,
          "Softmax but along the last axis");
  const std::size_t length = at(out.shape.back());
  for (std::size_t begin = 0; begin < out.values.size(); begin += length) {
    double sum = 0;
    for (std::size_t i = begin; i < begin + length; ++i) {
      out.values[i] = std::exp(out.values[i]);
      sum += out.values[i];
    }
    for (std::size_t i = begin; i < begin + length; ++i) out.values[i] /= sum;
  }
  return out;
}

/// Of boxes as two opposite corners, one class.
OnnxValue non_max_suppression(const Node& node) {
  const OnnxValue& boxes = node.input(0);
  const OnnxValue& scores = node.input(1);
  require(node.integer("center_point_box", 0) == 0 && scores.shape[1] == 1,
          "NonMaxSuppression of this kind");
  const double max_faces = node.input(2).values.at(0);
  const double max_iou = node.input(3).values.at(0);
  const double min_score = node.input(4).values.at(0);
  const std::size_t count = at(boxes.shape[1]);
  const auto overlap = [&](std::size_t a, std::size_t b) {
    const double* const p = &boxes.values[4 * a];
    const double* const q = &boxes.values[4 * b];
    const auto shared = [&](std::size_t axis) {
      return std::max(0.0, std::min(p[axis + 2], q[axis + 2]) - std::max(p[axis], q[axis]));
    };
    const auto area = [](const double* box) { return (box[2] - box[0]) * (box[3] - box[1]); };
    const double both = shared(0) * shared(1);
    return both / (area(p) + area(q) - both);
  };
  OnnxValue out;
  for (std::size_t image = 0; image < at(boxes.shape[0]); ++image) {
    std::vector<std::size_t> order(count);
    std::iota(order.begin(), order.end(), image * count);
    std::erase_if(order, [&](std::size_t i) { return !(scores.values[i] > min_score); });
    std::ranges::stable_sort(order, std::greater(),
                             [&](std::size_t i) { return scores.values[i]; });
    std::vector<std::size_t> kept;
    for (const std::size_t i : order) {
      const bool is_new = std::ranges::none_of(
          kept, [&](std::size_t other) { return overlap(i, other) > max_iou; });
      if (is_new && static_cast<double>(kept.size()) < max_faces) kept.push_back(i);
    }
    for (const std::size_t i : kept) {
      for (const std::size_t value : {image, std::size_t{0}, i - image * count}) {
        out.values.push_back(static_cast<double>(value));
      }
    }
  }
  out.shape = {static_cast<std::int64_t>(out.values.size() / 3), 3};
  return out;
}

/// Of indices (M, 2) into the first two extents.
OnnxValue gather_nd(const Node& node) {
  const OnnxValue& in = node.input(0);
  const OnnxValue& where = node.input(1);
  require(where.shape.size() == 2 && where.shape[1] == 2 && in.shape.size() == 3 &&
              node.integer("batch_dims", 0) == 0,
          "GatherND of this kind");
  OnnxValue out = of_shape({where.shape[0], in.shape[2]});
  const std::size_t length = at(in.shape[2]);
  for (std::size_t row = 0; row < at(where.shape[0]); ++row) {
    const std::size_t from =
        at(static_cast<std::int64_t>(where.values[2 * row])) * at(in.shape[1]) +
        at(static_cast<std::int64_t>(where.values[2 * row + 1]));
    for (std::size_t i = 0; i < length; ++i) {
      out.values[row * length + i] = in.values.at(from * length + i);
    }
  }
  return out;
}

OnnxValue evaluate(const Node& node) {
  static const std::map<std::string, std::function<OnnxValue(const Node&)>> kOperators = {
      {"Add", [](const Node& n) { return element_wise(n, std::plus<>()); }},
      {"Sub", [](const Node& n) { return element_wise(n, std::minus<>()); }},
      {"Mul", [](const Node& n) { return element_wise(n, std::multiplies<>()); }},
      {"Div", [](const Node& n) { return element_wise(n, std::divides<>()); }},
      {"BatchNormalization", batch_normalization},
      {"Cast",
       [](const Node& n) {
         require(n.integer("to", 0) == TensorProto::FLOAT, "Cast to other than floats");
         return n.input(0);
       }},
      {"Concat", concat},
      {"Conv", convolution},
      {"Exp", [](const Node& n) { return each(n, [](double x) { return std::exp(x); }); }},
      {"GatherND", gather_nd},
      {"GridSample", grid_sample},
      {"LeakyRelu",
       [](const Node& n) {
         const double slope = n.number("alpha", 0.01F);
         return each(n, [slope](double x) { return x < 0 ? slope * x : x; });
       }},
      {"MaxPool", max_pool},
      {"NonMaxSuppression", non_max_suppression},
      {"Range", range},
      {"Relu", [](const Node& n) { return each(n, [](double x) { return std::max(x, 0.0); }); }},
      {"Reshape", reshape},
      {"Resize", resize},
      {"Shape", shape_of},
      {"Sigmoid",
       [](const Node& n) { return each(n, [](double x) { return 1 / (1 + std::exp(-x)); }); }},
      {"Slice", slice},
      {"Softmax", softmax},
      {"Squeeze", squeeze},
      {"Transpose", transpose},
  };
  const auto found = kOperators.find(node.proto.op_type());
  require(found != kOperators.end() && node.proto.domain().empty(), node.proto.op_type());
  return found->second(node);
}

}  // namespace

::onnx::ModelProto checked_onnx(std::span<const std::byte> content) {
  ::onnx::ModelProto model;
  require(model.ParseFromArray(content.data(), static_cast<int>(content.size())),
          "no protocol buffer");
  ::onnx::checker::check_model(model);
  // Types are compared, failures thrown, and shapes computed where they are values.
  const ::onnx::ShapeInferenceOptions options(true, 1, true);
  ::onnx::ModelProto copy = model;
  ::onnx::shape_inference::InferShapes(copy, ::onnx::OpSchemaRegistry::Instance(), options);
  return model;
}

std::map<std::string, OnnxValue> evaluate_onnx(const ::onnx::ModelProto& model,
                                               std::map<std::string, OnnxValue> inputs) {
  std::map<std::string, OnnxValue> values = std::move(inputs);
  for (const TensorProto& tensor : model.graph().initializer()) {
    values[tensor.name()] = value_of(tensor);
  }
  for (const NodeProto& proto : model.graph().node()) {
    Node node{proto, {}};
    for (const std::string& name : proto.input()) {
      require(name.empty() || values.contains(name), "a value before it is there: " + name);
      node.inputs.push_back(name.empty() ? nullptr : &values.at(name));
    }
    require(proto.output_size() == 1, proto.op_type() + " of several outputs");
    values[proto.output(0)] = evaluate(node);
  }
  std::map<std::string, OnnxValue> outputs;
  for (const auto& output : model.graph().output()) {
    outputs[output.name()] = std::move(values.at(output.name()));
  }
  return outputs;
}

}  // namespace retinaface::testing
