#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "base/check.h"
#include "base/file.h"
#include "graph/graph_json.h"
#include "graph/operators.h"
#include "interchange/onnx_follower.h"

namespace retinaface::interchange::onnx {

void Follower::relu() {
  const float slope = node_->op == "Relu" ? 0 : number("alpha", 0.01F);
  if (!(std::abs(slope) <= 1e6F)) refuse("a slope of {}", slope);
  yield_each(maps(0), graph::LeakyRelu{slope});
}

void Follower::prelu() {
  ArrangedMaps result = maps(0);
  for (NodeId& map : result.maps) {
    const std::vector<float> slopes = by_channel(constant(1), result, map);
    map = add(graph::PRelu{}, {map}, parameter_owner(node_->inputs[1]));
    set_parameter(map, "weight", {static_cast<std::int64_t>(slopes.size())}, slopes);
  }
  yield(std::move(result));
}

void Follower::clip() {
  const auto bound = [&](const char* name, std::size_t i, float otherwise) {
    if (const auto* found = attribute<float>(name)) return *found;
    if (!has_input(i)) return otherwise;
    if (constant(i).values.size() != 1) refuse("expected one number as its {}", name);
    return constant(i).values[0];
  };
  constexpr float kAny = std::numeric_limits<float>::max();
  const float min = std::max(bound("min", 1, -kAny), -kAny);
  const float max = std::min(bound("max", 2, kAny), kAny);
  if (!(min <= max)) refuse("clips to {} to {}", min, max);
  yield_each(maps(0), graph::Clip{min, max});
}

void Follower::softmax() {
  const ArrangedMaps& value = maps(0);
  const Integers shape = extents(value);
  constexpr std::int64_t kOneAxis = 13;  // before it, all behind the axis was one
  const std::int64_t along = axis(integer("axis", file_.opset >= kOneAxis ? -1 : 1), shape.size());
  const bool last = along == static_cast<std::int64_t>(shape.size()) - 1;
  const Shape s = shape_of(value.maps[0]);
  const bool one_cell = s.h == 1 && s.w == 1;
  const bool along_channels = value.arrangement == Arrangement::kMap
                                  ? along == 1 && (file_.opset >= kOneAxis || one_cell)
                                  : last &&
                                        (value.arrangement != Arrangement::kVector || one_cell) &&
                                        value.arrangement != Arrangement::kPlanes;
  if (!along_channels) refuse("expected one along the channels, found axis {}", along);
  yield_each(value, graph::Softmax{value.arrangement == Arrangement::kRows ? value.values : s.c});
}

std::vector<float> Follower::by_channel(const Constant& found, const ArrangedMaps& value,
                                        NodeId map) const {
  const Shape s = shape_of(map);
  const auto channels = static_cast<std::size_t>(s.c);
  if (found.values.size() == 1) {
    std::vector<float> same(channels, found.values[0]);
    return same;
  }
  Integers shape = found.shape;
  const auto trim = [&] {
    if (!shape.empty()) shape.erase(shape.begin());
  };
  while (!shape.empty() && shape.front() == 1 && shape.size() > 1) trim();
  std::int64_t run = 0;  // of the values, over the channels
  switch (value.arrangement) {
    case Arrangement::kMap:
      if (shape == Integers{s.c, 1, 1}) run = s.c;
      break;
    case Arrangement::kPlanes:
      if (shape == Integers{s.c, 1}) run = s.c;
      break;
    case Arrangement::kCells:
      if (shape == Integers{s.c}) run = s.c;
      break;
    case Arrangement::kRows:
      if (shape == Integers{value.values}) run = value.values;
      break;
    case Arrangement::kVector:
      if (shape == Integers{s.c} && s.h == 1 && s.w == 1) run = s.c;
      break;
  }
  if (run == 0) {
    refuse("a constant of shape {} is neither one number nor one for each channel of {}",
           graph::to_string(found.shape), graph::to_string(extents(value)));
  }
  std::vector<float> result(channels);
  for (std::size_t c = 0; c < channels; ++c) {
    result[c] = found.values[c % static_cast<std::size_t>(run)];
  }
  return result;
}

void Follower::arithmetic() {
  const std::string& op = node_->op;
  if (input_if<ArrangedMaps>(0) != nullptr && input_if<ArrangedMaps>(1) != nullptr) {
    combine_maps(op);
  } else if (input_if<ArrangedMaps>(0) != nullptr || input_if<ArrangedMaps>(1) != nullptr) {
    combine_with_constant(op);
  } else {
    combine_numbers(op);
  }
}

void Follower::combine_maps(const std::string& op) {
  const ArrangedMaps& a = maps(0);
  const ArrangedMaps& b = maps(1);
  if (a.arrangement != b.arrangement || a.maps.size() != b.maps.size() || a.values != b.values) {
    refuse("expected two values alike, found {} and {}", graph::to_string(extents(a)),
           graph::to_string(extents(b)));
  }
  ArrangedMaps result = a;
  for (std::size_t i = 0; i < a.maps.size(); ++i) {
    NodeId first = a.maps[i];
    NodeId second = b.maps[i];
    if (op == "Add") {
      result.maps[i] = add(graph::Add{}, {first, second});
      continue;
    }
    if (op == "Mul" && shape_of(first).elements() < shape_of(second).elements()) {
      std::swap(first, second);
    }
    using Kind = graph::Arithmetic::Kind;
    const Kind kind = op == "Sub" ? Kind::kSubtract : op == "Mul" ? Kind::kMultiply : Kind::kDivide;
    result.maps[i] = add(graph::Arithmetic{kind}, {first, second});
  }
  yield(std::move(result));
}

void Follower::combine_with_constant(const std::string& op) {
  const bool first = input_if<ArrangedMaps>(0) != nullptr;
  const ArrangedMaps& value = maps(first ? 0 : 1);
  const Constant& found = constant(first ? 1 : 0);
  if (op == "Div" && !first) refuse("a constant over a map is not read");
  yield_affine(value, [&](NodeId map, std::vector<float>& scale, std::vector<float>& shift) {
    const std::vector<float> constants = by_channel(found, value, map);
    for (std::size_t c = 0; c < scale.size(); ++c) {
      scale[c] = op == "Mul" ? constants[c] : op == "Div" ? 1 / constants[c] : 1.0F;
      shift[c] = op == "Add" ? constants[c] : op == "Sub" ? -constants[c] : 0.0F;
      if (op == "Sub" && !first) {
        scale[c] = -1;
        shift[c] = constants[c];
      }
    }
  });
}

void Follower::combine_numbers(const std::string& op) {
  const auto values = [&](std::size_t i) {
    std::vector<double> result;
    if (const auto* numbers = input_if<Numbers>(i)) {
      for (const Number& number : numbers->values) {
        result.push_back(static_cast<double>(number.value));
      }
    } else {
      for (const float value : constant(i).values) result.push_back(double{value});
    }
    return result;
  };
  const std::vector<double> a = values(0);
  const std::vector<double> b = values(1);
  const std::size_t count = std::max(a.size(), b.size());
  if ((a.size() != 1 && a.size() != count) || (b.size() != 1 && b.size() != count)) {
    refuse("expected as many numbers on both sides, found {} and {}", a.size(), b.size());
  }
  const auto scalar = [&](std::size_t i) {
    const auto* numbers = input_if<Numbers>(i);
    return numbers != nullptr ? numbers->scalar : constant(i).shape.empty();
  };
  Numbers result{{}, scalar(0) && scalar(1)};
  for (std::size_t i = 0; i < count; ++i) {
    const double x = a[a.size() == 1 ? 0 : i];
    const double y = b[b.size() == 1 ? 0 : i];
    if (op == "Div" && y == 0) refuse("a division by 0");
    const double z = op == "Add" ? x + y : op == "Sub" ? x - y : op == "Mul" ? x * y : x / y;
    const bool integers = input_if<Numbers>(0) != nullptr && input_if<Numbers>(1) != nullptr;
    if (!(std::abs(z) < 1e15)) refuse("a number of {}", z);
    result.values.push_back({static_cast<std::int64_t>(integers ? std::trunc(z) : std::floor(z))});
  }
  yield(std::move(result));
}

}  // namespace retinaface::interchange::onnx
