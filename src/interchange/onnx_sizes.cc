#include <algorithm>
#include <cmath>
#include <set>
#include <utility>

#include "base/check.h"
#include "base/file.h"
#include "graph/graph_json.h"
#include "graph/operators.h"
#include "interchange/onnx_follower.h"

namespace retinaface::interchange::onnx {

void Follower::resize() {
  const NodeId from = map(0);
  const Shape s = shape_of(from);
  if (word("mode", "nearest") != "nearest") {
    refuse("expected the mode 'nearest', found '{}'", excerpt(word("mode", "nearest")));
  }
  const bool early = node_->op == "Upsample" || file_.opset < 11;
  const std::size_t scales_at = early ? 1 : 2;
  std::vector<Number> sizes;
  if (!early && has_input(3)) {
    sizes = input_as<Numbers>(3, "integers").values;
  } else {
    std::vector<float> scales;
    if (const auto* found = attribute<std::vector<float>>("scales")) {
      scales = *found;
    } else {
      const Constant& input_scales = constant(scales_at);
      scales.assign(input_scales.values.begin(), input_scales.values.end());
    }
    if (scales.size() == 4) {
      const Integers shape = {s.n, s.c, s.h, s.w};
      for (std::size_t i = 0; i < 4; ++i) {
        const double size = std::floor(static_cast<double>(shape[i]) * double{scales[i]});
        if (!(size >= 1 && size < 1e6)) refuse("a scale of {}", scales[i]);
        sizes.push_back({static_cast<std::int64_t>(size)});
      }
    }
  }
  if (sizes.size() != 4 || sizes[0].value != s.n || sizes[1].value != s.c) {
    refuse("expected a resize of height and width alone");
  }
  const std::int64_t h = sizes[2].value;
  const std::int64_t w = sizes[3].value;
  if (h < 1 || w < 1) refuse("a resize to {}x{}", h, w);
  if (h == s.h && w == s.w) return yield_map(from);
  check_nearest(early, s, h, w);
  yield_map(add(graph::UpsampleLike{}, {from, like(from, sizes)}));
}

void Follower::check_nearest(bool early, const Shape& s, std::int64_t h, std::int64_t w) const {
  if (early) return;  // always so
  const std::string place = word("coordinate_transformation_mode", "half_pixel");
  const std::string rounding = word("nearest_mode", "round_prefer_floor");
  if (place == "asymmetric" && rounding == "floor") return;
  const bool whole = h % s.h == 0 && w % s.w == 0;
  const bool centered = place == "half_pixel" || place == "pytorch_half_pixel";
  if (whole && centered && (rounding == "round_prefer_floor" || rounding == "round_prefer_ceil")) {
    return;
  }
  if (h == 2 * s.h && w == 2 * s.w && place == "asymmetric" && rounding == "round_prefer_floor") {
    return;
  }
  refuse("a resize by '{}' and '{}' to {}x{} is not read", excerpt(place), excerpt(rounding), w, h);
}

NodeId Follower::like(NodeId from, const std::vector<Number>& sizes) const {
  const std::int64_t h = sizes[2].value;
  const std::int64_t w = sizes[3].value;
  const auto has_size = [&](NodeId map) { return shape_of(map).h == h && shape_of(map).w == w; };
  if (sizes[2].map >= 0 && sizes[2].map != from && sizes[2].map == sizes[3].map &&
      sizes[2].axis == 2 && sizes[3].axis == 3 && has_size(sizes[2].map)) {
    return sizes[2].map;
  }
  for (const OnnxNode& reader : file_.nodes) {
    const bool joins =
        reader.op == "Add" || reader.op == "Concat" || reader.op == "Mul" || reader.op == "Sub";
    if (!joins || std::ranges::count(reader.inputs, node_->output) == 0) continue;
    for (const std::string& other : reader.inputs) {
      const auto value = values_.find(other);
      if (other == node_->output || value == values_.end()) continue;
      const auto* maps = std::get_if<ArrangedMaps>(&value->second);
      if (maps != nullptr && maps->arrangement == Arrangement::kMap && has_size(maps->maps[0])) {
        return maps->maps[0];
      }
    }
  }
  for (auto id = static_cast<NodeId>(result_.shapes.size()); id-- > 0;) {
    if (has_size(id)) return id;
  }
  refuse("a resize to {}x{}, which no map before has", w, h);
}

void Follower::pad() {
  const std::string mode = word("mode", "constant");
  if (mode != "constant") refuse("expected the mode 'constant', found '{}'", excerpt(mode));
  if (has_input(3)) refuse("expected the padding of all axes, found some by number");
  const NodeId from = map(0);
  const Integers pads = integers("pads", 1).value_or(Integers());
  constexpr std::int64_t kMaxPadding = 1024;
  const bool all = pads.size() == 8 && std::ranges::all_of(pads, [](std::int64_t cells) {
                     return cells >= 0 && cells <= kMaxPadding;
                   });
  if (!all || pads[0] != 0 || pads[1] != 0 || pads[4] != 0 || pads[5] != 0) {
    refuse("expected a padding of height and width, 0 to {}, found {}", kMaxPadding,
           graph::to_string(pads));
  }
  float value = number("value", 0);
  if (has_input(2)) {
    if (constant(2).values.size() != 1) refuse("expected one number as its value");
    value = constant(2).values[0];
  }
  if (!std::isfinite(value)) refuse("a padding of {}", value);
  const graph::Pad op = {
      .top = pads[2], .left = pads[3], .bottom = pads[6], .right = pads[7], .value = value};
  const bool nothing = op.top == 0 && op.left == 0 && op.bottom == 0 && op.right == 0;
  yield_map(nothing ? from : add(op, {from}));
}

void Follower::grid_sample() {
  const NodeId from = map(0);
  const ArrangedMaps& places = maps(1);
  // (N, H, W, 2): a map of the graph with its channels last.
  if (places.arrangement != Arrangement::kCells || shape_of(places.maps[0]).c != 2) {
    refuse("expected places of (N, H, W, 2), computed with channels last, found {}",
           graph::to_string(extents(places)));
  }
  const std::string mode = word("mode", "bilinear");
  const std::string padding = word("padding_mode", "zeros");
  if (mode != "bilinear" && mode != "linear" && mode != "nearest") {
    refuse("expected the mode 'bilinear' or 'nearest', found '{}'", excerpt(mode));
  }
  if (padding != "zeros" && padding != "border") {
    refuse("expected the padding 'zeros' or 'border', found '{}'", excerpt(padding));
  }
  const graph::GridSample op = {.nearest = mode == "nearest",
                                .border = padding == "border",
                                .align_corners = integer("align_corners", 0) != 0};
  yield_map(add(op, {from, places.maps[0]}));
}

void Follower::concat() {
  if (input_if<Numbers>(0) != nullptr) return concat_numbers();
  const ArrangedMaps& first = maps(0);
  const std::size_t rank = extents(first).size();
  const std::int64_t along = axis(integer("axis", 1), rank);
  ArrangedMaps result = first;
  for (std::size_t i = 1; i < node_->inputs.size(); ++i) {
    const ArrangedMaps& other = maps(i);
    if (other.arrangement != first.arrangement || other.values != first.values ||
        other.has_batch != first.has_batch) {
      refuse("expected values alike, found {} and {}", graph::to_string(extents(first)),
             graph::to_string(extents(other)));
    }
    result.maps.insert(result.maps.end(), other.maps.begin(), other.maps.end());
  }
  if (first.arrangement == Arrangement::kRows && along == static_cast<std::int64_t>(rank) - 2) {
    return yield(std::move(result));
  }
  const bool one_cell = std::ranges::all_of(
      result.maps, [&](NodeId map) { return shape_of(map).h == 1 && shape_of(map).w == 1; });
  const bool channels = (first.arrangement == Arrangement::kMap && along == 1) ||
                        (first.arrangement == Arrangement::kPlanes && along == 1) ||
                        (first.arrangement == Arrangement::kCells && along == 3) ||
                        (first.arrangement == Arrangement::kVector && along == 1 && one_cell);
  if (!channels) {
    refuse("cannot put values of {} beside each other along axis {}",
           graph::to_string(extents(first)), along);
  }
  result.maps = {add(graph::Concat{}, result.maps)};
  yield(std::move(result));
}

void Follower::concat_numbers() {
  Numbers result;
  for (std::size_t i = 0; i < node_->inputs.size(); ++i) {
    const Numbers& part = input_as<Numbers>(i, "integers");
    result.values.insert(result.values.end(), part.values.begin(), part.values.end());
    constexpr std::size_t kMaxNumbers = 64;
    if (result.values.size() > kMaxNumbers) refuse("more than {} numbers", kMaxNumbers);
  }
  yield(std::move(result));
}

void Follower::flatten() {
  const ArrangedMaps& value = maps(0);
  const Integers shape = extents(value);
  if (axis(integer("axis", 1), shape.size()) != 1) refuse("expected the axis 1");
  rearrange(value, {shape[0], product(std::span(shape).subspan(1))});
}

void Follower::reshape() {
  const Numbers& target = input_as<Numbers>(1, "integers");
  if (const auto* numbers = input_if<Numbers>(0)) {
    yield(Numbers{numbers->values, target.values.empty()});
    return;
  }
  const ArrangedMaps& value = maps(0);
  const Integers shape = extents(value);
  Integers wanted = plain(target);
  const std::int64_t elements = product(shape);
  std::int64_t known = 1;
  std::optional<std::size_t> open;
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    if (wanted[i] == 0 && integer("allowzero", 0) == 0 && i < shape.size()) wanted[i] = shape[i];
    if (wanted[i] == -1 && !open) {
      open = i;
    } else if (wanted[i] < 1 || wanted[i] > elements / known) {
      refuse("a shape of {} for {}", graph::to_string(plain(target)), graph::to_string(shape));
    } else {
      known *= wanted[i];
    }
  }
  if (open) wanted[*open] = elements / known;
  if (product(wanted) != elements) {
    refuse("a shape of {} for {}", graph::to_string(plain(target)), graph::to_string(shape));
  }
  rearrange(value, wanted);
}

void Follower::rearrange(const ArrangedMaps& value, const Integers& wanted) {
  const Integers shape = extents(value);
  if (wanted == shape) return yield(value);
  const Shape s = shape_of(value.maps[0]);
  ArrangedMaps result = value;
  const bool one_cell = value.maps.size() == 1 && s.h == 1 && s.w == 1;
  const auto is = [&](Arrangement arrangement) { return value.arrangement == arrangement; };
  if (wanted == Integers{1, s.c * s.h * s.w} &&
      (is(Arrangement::kMap) || is(Arrangement::kPlanes) || one_cell)) {
    result = {Arrangement::kVector, value.maps};
    return yield(std::move(result));
  }
  if ((one_cell || is(Arrangement::kVector) || is(Arrangement::kPlanes)) &&
      wanted == Integers{1, s.c, s.h, s.w}) {
    result = {Arrangement::kMap, value.maps};
    return yield(std::move(result));
  }
  if (is(Arrangement::kMap) && wanted == Integers{1, s.c, s.h * s.w}) {
    result.arrangement = Arrangement::kPlanes;
    return yield(std::move(result));
  }
  const bool batch = wanted.size() == 3 && wanted[0] == 1;
  if ((batch || wanted.size() == 2) && (is(Arrangement::kCells) || is(Arrangement::kRows))) {
    const std::int64_t values = wanted.back();
    if (is(Arrangement::kCells) ? s.c % values == 0 : values == value.values) {
      result.arrangement = Arrangement::kRows;
      result.values = values;
      result.has_batch = batch;
      return yield(std::move(result));
    }
  }
  refuse("cannot arrange {} as {}", graph::to_string(shape), graph::to_string(wanted));
}

void Follower::transpose() {
  const ArrangedMaps& value = maps(0);
  const std::size_t rank = extents(value).size();
  Integers order = list("perm", {});
  if (order.empty()) {
    for (std::size_t i = rank; i-- > 0;) order.push_back(static_cast<std::int64_t>(i));
  }
  ArrangedMaps result = value;
  const Shape s = shape_of(value.maps[0]);
  if (value.arrangement == Arrangement::kMap && order == Integers{0, 2, 3, 1}) {
    result.arrangement = Arrangement::kCells;
  } else if (value.arrangement == Arrangement::kCells && order == Integers{0, 3, 1, 2}) {
    result.arrangement = Arrangement::kMap;
  } else if (value.arrangement == Arrangement::kPlanes && order == Integers{0, 2, 1}) {
    result.arrangement = Arrangement::kRows;
    result.values = s.c;
  } else if (!std::ranges::is_sorted(order) || order.size() != rank) {
    refuse("cannot reorder {} by {}", graph::to_string(extents(value)), graph::to_string(order));
  }
  yield(std::move(result));
}

void Follower::squeeze() {
  const std::optional<Integers> axes = integers("axes", 1);
  if (const auto* numbers = input_if<Numbers>(0)) {
    return yield(Numbers{numbers->values, numbers->values.size() == 1});
  }
  const ArrangedMaps& value = maps(0);
  const Integers shape = extents(value);
  std::set<std::int64_t> dropped;
  for (const std::int64_t found : axes.value_or(Integers())) {
    dropped.insert(axis(found, shape.size()));
  }
  Integers wanted;
  for (std::size_t i = 0; i < shape.size(); ++i) {
    const bool drop = axes ? dropped.contains(static_cast<std::int64_t>(i)) : shape[i] == 1;
    if (drop && shape[i] != 1) refuse("the axis {} has {} elements", i, shape[i]);
    if (!drop) wanted.push_back(shape[i]);
  }
  rearrange(value, wanted);
}

void Follower::unsqueeze() {
  const Integers axes = integers("axes", 1).value_or(Integers());
  if (const auto* numbers = input_if<Numbers>(0)) {
    return yield(Numbers{numbers->values, false});
  }
  const ArrangedMaps& value = maps(0);
  Integers wanted = extents(value);
  const std::size_t rank = wanted.size() + axes.size();
  std::set<std::int64_t> added;
  for (const std::int64_t found : axes) added.insert(axis(found, rank));
  if (added.size() != axes.size()) refuse("expected axes that differ");
  for (const std::int64_t at : added) wanted.insert(wanted.begin() + at, 1);
  rearrange(value, wanted);
}

void Follower::slice() {
  const std::optional<Integers> starts = integers("starts", 1);
  const std::optional<Integers> ends = integers("ends", 2);
  const std::optional<Integers> steps = integers("steps", 4);
  const bool single = starts && ends && starts->size() == 1 && ends->size() == 1;
  if (!single) refuse("expected a slice along one axis");
  const Integers axes = integers("axes", 3).value_or(Integers{0});
  const std::int64_t step = steps && !steps->empty() ? (*steps)[0] : 1;
  if (step < 1 || axes.size() != 1) refuse("expected one axis and a step of at least 1");
  const auto* numbers = input_if<Numbers>(0);
  const Integers shape = numbers != nullptr
                             ? Integers{static_cast<std::int64_t>(numbers->values.size())}
                             : extents(maps(0));
  const std::int64_t along = axis(axes[0], shape.size());
  const std::int64_t extent = shape[static_cast<std::size_t>(along)];
  const auto place = [&](std::int64_t value) {
    return std::clamp<std::int64_t>(value < 0 ? std::max(value, -extent) + extent : value, 0,
                                    extent);
  };
  const std::int64_t start = place((*starts)[0]);
  const std::int64_t end = place((*ends)[0]);
  if (start >= end) refuse("an empty slice");
  const std::int64_t count = (end - start - 1) / step + 1;
  if (numbers == nullptr && count == extent) return yield(maps(0));
  // An axis may be as long as the file says; channels and numbers are there.
  if (numbers == nullptr && !is_of_channels(maps(0), along)) {
    refuse("expected a slice of channels, found axis {}", along);
  }
  Integers chosen;
  for (std::int64_t i = 0; i < count; ++i) chosen.push_back(start + i * step);
  if (numbers != nullptr) {
    Numbers result;
    for (const std::int64_t i : chosen) {
      result.values.push_back(numbers->values[static_cast<std::size_t>(i)]);
    }
    return yield(std::move(result));
  }
  choose_channels(maps(0), chosen);
}

bool Follower::is_of_channels(const ArrangedMaps& value, std::int64_t along) const {
  const bool last = along == static_cast<std::int64_t>(extents(value).size()) - 1;
  return value.arrangement == Arrangement::kMap ? along == 1
         : value.arrangement == Arrangement::kCells || value.arrangement == Arrangement::kRows
             ? last
             : false;
}

void Follower::choose_channels(const ArrangedMaps& value, const Integers& chosen) {
  constexpr std::int64_t kMaxWeights = std::int64_t{1} << 26;
  ArrangedMaps result = value;
  const bool rows = value.arrangement == Arrangement::kRows;
  for (NodeId& map : result.maps) {
    const std::int64_t in = shape_of(map).c;
    const std::int64_t run = rows ? value.values : in;
    Integers picked;
    for (std::int64_t first = 0; first < in; first += run) {
      for (const std::int64_t c : chosen) picked.push_back(first + c);
    }
    const auto out = static_cast<std::int64_t>(picked.size());
    if (out > kMaxWeights / in)
      refuse("expected a slice of fewer channels, found {} of {}", out, in);
    std::vector<float> weight(static_cast<std::size_t>(out * in), 0.0F);
    for (std::int64_t o = 0; o < out; ++o) {
      weight[static_cast<std::size_t>(o * in + picked[static_cast<std::size_t>(o)])] = 1;
    }
    map = add(graph::Convolution{.out_channels = out}, {map});
    set_parameter(map, "weight", {out, in, 1, 1}, weight);
  }
  if (rows) result.values = static_cast<std::int64_t>(chosen.size());
  yield(std::move(result));
}

void Follower::shape() {
  const ArrangedMaps& value = maps(0);
  const Integers extent = extents(value);
  Numbers result;
  const auto rank = static_cast<std::int64_t>(extent.size());
  const auto place = [&](std::int64_t i) {
    return std::clamp<std::int64_t>(i < 0 ? std::max(i, -rank) + rank : i, 0, rank);
  };
  const std::int64_t end = place(integer("end", rank));
  for (std::int64_t i = place(integer("start", 0)); i < end; ++i) {
    Number number{extent[static_cast<std::size_t>(i)]};
    if (value.arrangement == Arrangement::kMap) {
      number.map = value.maps[0];
      number.axis = static_cast<int>(i);
    }
    result.values.push_back(number);
  }
  yield(std::move(result));
}

void Follower::gather() {
  const Numbers& from = input_as<Numbers>(0, "what Shape yields");
  const Numbers& places = input_as<Numbers>(1, "integers");
  if (integer("axis", 0) != 0) refuse("expected the axis 0");
  Numbers result{{}, places.scalar};
  for (const Number& place : places.values) {
    const std::int64_t i = axis(place.value, from.values.size());
    result.values.push_back(from.values[static_cast<std::size_t>(i)]);
  }
  yield(std::move(result));
}

void Follower::constant() {
  if (const auto* tensor = attribute<OnnxTensor>("value")) {
    return add_constant(node_->output, *tensor);
  }
  if (const auto* values = attribute<Integers>("value_ints")) {
    Numbers numbers;
    for (const std::int64_t value : *values) numbers.values.push_back({value});
    return yield(std::move(numbers));
  }
  if (const auto* value = attribute<std::int64_t>("value_int")) {
    return yield(Numbers{{{*value}}, true});
  }
  if (const auto* values = attribute<std::vector<float>>("value_floats")) {
    return yield(Constant{{static_cast<std::int64_t>(values->size())}, *values});
  }
  if (const auto* value = attribute<float>("value_float")) {
    return yield(Constant{{}, {value, 1}});
  }
  refuse("expected a value of floats or integers");
}

}  // namespace retinaface::interchange::onnx
