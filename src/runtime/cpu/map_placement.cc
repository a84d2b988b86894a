#include "runtime/cpu/map_placement.h"

#include <algorithm>
#include <span>
#include <type_traits>

#include "base/check.h"
#include "graph/operators.h"
#include "runtime/cpu/library.h"
#include "runtime/kernels/bytes.h"

namespace retinaface::runtime::cpu {
namespace {

using dnnl::memory;
using graph::Shape;

constexpr std::size_t kNone = static_cast<std::size_t>(-1);

std::size_t index(std::int32_t id) {
  return static_cast<std::size_t>(id);
}

memory::format_tag blocked_tag() {
  switch (channel_block()) {
    case 16:
      return memory::format_tag::nChw16c;
    case 8:
      return memory::format_tag::nChw8c;
    default:
      RF_CHECK(channel_block() == 4);
      return memory::format_tag::nChw4c;
  }
}

}  // namespace

MapPlacement::MapPlacement(const LoweredGraph& lowered, std::int64_t height, std::int64_t width)
    : lowered_(lowered), pieces_by_root_(lowered.values.size(), kNone) {
  infer_shapes(height, width);
}

std::int64_t MapPlacement::first_channel_in_root(ValueId id) const {
  std::int64_t first = 0;
  for (; value(id).parent != kNoValue; id = value(id).parent) first += value(id).first_channel;
  return first;
}

Shape MapPlacement::shape(ValueId id) const {
  Shape result = shapes_[index(root_of(lowered_, id))];
  result.c = value(id).channels;
  return result;
}

void MapPlacement::infer_shapes(std::int64_t height, std::int64_t width) {
  shapes_.resize(lowered_.values.size());
  shapes_[0] = {1, value(0).channels, height, width};
  for (const Step& step : lowered_.steps) {
    std::vector<Shape> sources;
    for (const ValueId source : step.sources) sources.push_back(shape(source));
    Shape target = std::visit(
        [&](const auto& op) {
          using Op = std::decay_t<decltype(op)>;
          if constexpr (std::is_same_v<Op, ConvolutionStep>) {
            // A deformable one has offsets of the result's size beside the map.
            return graph::output_shape(op.convolution, std::span(sources).first(1));
          } else if constexpr (std::is_same_v<Op, AddUpsampled> || std::is_same_v<Op, PReluStep> ||
                               std::is_same_v<Op, Conversion>) {
            return sources[0];
          } else {
            return graph::output_shape(op, sources);
          }
        },
        step.op);
    target.c = value(root_of(lowered_, step.target)).channels;
    shapes_[index(root_of(lowered_, step.target))] = target;
  }
}

memory::desc MapPlacement::desc(ValueId id) const {
  const auto tag = id == 0 ? memory::format_tag::nchw : blocked_tag();
  const Shape map = shape(id);
  return {{map.n, map.c, map.h, map.w}, library_type(type(id)), tag};
}

memory::desc MapPlacement::whole_desc(ValueId id) const {
  if (id == 0) return desc(id);
  const Shape map = shape(id);
  return {{map.n, whole_channels(map.c), map.h, map.w}, library_type(type(id)), blocked_tag()};
}

std::size_t MapPlacement::use(ValueId id, std::size_t call) {
  const ValueId whole = root_of(lowered_, id);
  std::size_t& piece = pieces_by_root_[index(whole)];
  if (piece == kNone) {
    piece = pieces_.size();
    pieces_.push_back({bytes_of(whole), call, call});
  }
  pieces_[piece].first = std::min(pieces_[piece].first, call);
  pieces_[piece].last = std::max(pieces_[piece].last, call);
  return piece;
}

std::int64_t MapPlacement::cell_bytes(ValueId id) const {
  return value(id).is_image ? kernels::kPixelBytes : channel_block();
}

std::size_t MapPlacement::bytes_of(ValueId whole) const {
  if (type(whole) != graph::DataType::kUInt8) return desc(whole).get_size();
  const Shape map = shape(whole);
  const std::int64_t cell = cell_bytes(whole);
  const kernels::ByteMap bytes = {nullptr, map.h, map.w, cell};
  return static_cast<std::size_t>((map.c + cell - 1) / cell * bytes.block_bytes() +
                                  kernels::kByteMapSlack);
}

Place MapPlacement::place_of(ValueId id) {
  const Shape map = shape(id);
  const std::int64_t first = first_channel_in_root(id);
  RF_CHECK(first % channel_block() == 0);
  if (type(id) == graph::DataType::kUInt8) {
    const kernels::ByteMap bytes = {nullptr, map.h, map.w, cell_bytes(root_of(lowered_, id))};
    return {use(id, call_),
            static_cast<std::size_t>(first / channel_block() * bytes.block_bytes())};
  }
  return {use(id, call_),
          static_cast<std::size_t>(first * map.h * map.w) * graph::element_bytes(type(id))};
}

MapPlace MapPlacement::map_of(ValueId id) {
  const Shape map = shape(id);
  return {place_of(id),
          type(id),
          map.h,
          map.w,
          whole_channels(map.c) / channel_block(),
          cell_bytes(root_of(lowered_, id))};
}

std::int64_t MapPlacement::whole_channels(std::int64_t channels) {
  return (channels + channel_block() - 1) / channel_block() * channel_block();
}

MapPlace MapPlacement::ring_of(ValueId id, const Place& ring, std::int64_t rows) const {
  const Shape map = shape(id);
  const std::int64_t first = first_channel_in_root(id);
  RF_CHECK(first % channel_block() == 0 && type(id) == graph::DataType::kFloat32);
  return {{ring.piece, ring.offset + static_cast<std::size_t>(first * rows * map.w) *
                                         graph::element_bytes(type(id))},
          type(id),
          map.h,
          map.w,
          whole_channels(map.c) / channel_block(),
          0,
          rows};
}

Place MapPlacement::scratch(std::size_t bytes) {
  pieces_.push_back({bytes, call_, call_});
  return {pieces_.size() - 1, 0};
}

std::size_t MapPlacement::piece_of(ValueId id) const {
  const std::size_t piece = pieces_by_root_[index(root_of(lowered_, id))];
  RF_CHECK(piece != kNone);
  return piece;
}

}  // namespace retinaface::runtime::cpu
