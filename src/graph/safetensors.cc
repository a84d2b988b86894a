// The safetensors format: a little-endian 64-bit length, a JSON header of that length with "dtype",
// "shape" and "data_offsets" of each tensor, then the tensors' bytes. doc/model_format.md.

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <limits>
#include <nlohmann/json.hpp>

#include "base/check.h"
#include "base/file.h"
#include "base/library_reason.h"
#include "graph/weights.h"

namespace retinaface::graph {
namespace {

using nlohmann::json;

static_assert(std::endian::native == std::endian::little,
              "tensors are copied as they lie in files");

constexpr std::uint64_t kMaxHeaderBytes = 100'000'000;  // the format's own limit
constexpr std::size_t kMaxRank = 8;

constexpr std::array kTypes = {DataType::kFloat32, DataType::kFloat16, DataType::kBFloat16,
                               DataType::kInt8, DataType::kUInt8};

/// The format's name for a type.
std::string_view dtype_of(DataType type) {
  switch (type) {
    case DataType::kFloat32:
      return "F32";
    case DataType::kFloat16:
      return "F16";
    case DataType::kBFloat16:
      return "BF16";
    case DataType::kInt8:
      return "I8";
    case DataType::kUInt8:
      return "U8";
  }
  RF_CHECK(false);
}

/// Extents whose product, and the product of whose non-zero ones, cannot overflow.
std::vector<std::int64_t> parse_shape(const std::string& name, const json& entry,
                                      const std::string& source) {
  constexpr std::uint64_t kMaxElements = std::numeric_limits<std::int32_t>::max();
  std::vector<std::int64_t> shape;
  std::uint64_t elements = 1;
  for (const json& extent : entry.get_ref<const json::array_t&>()) {
    if (shape.size() == kMaxRank || !extent.is_number_unsigned() ||
        extent.get<std::uint64_t>() > kMaxElements / elements) {
      fail(ErrorCode::kBadData, "{}: tensor {}: impossible shape {}", source, excerpt(name),
           excerpt(entry.dump()));
    }
    shape.push_back(extent.get<std::int64_t>());
    elements *= std::max<std::uint64_t>(extent.get<std::uint64_t>(), 1);
  }
  return shape;
}

/// `unclaimed` is the number of bytes of `data` that no tensor before this one has taken: without
/// it a small file could ask for any amount of memory by naming the same bytes many times.
Tensor parse_tensor(const std::string& name, const json& entry, std::span<const std::byte> data,
                    std::uint64_t& unclaimed, const std::string& source) {
  std::vector<std::int64_t> shape = parse_shape(name, entry.at("shape"), source);
  std::uint64_t elements = 1;
  for (const std::int64_t extent : shape) elements *= static_cast<std::uint64_t>(extent);
  const auto dtype = entry.at("dtype").get<std::string>();
  const auto* const type = std::ranges::find(kTypes, dtype, dtype_of);
  if (type == kTypes.end()) {
    fail(ErrorCode::kUnsupported, "{}: tensor {}: type {}, expected F32, F16, BF16, I8 or U8",
         source, excerpt(name), excerpt(dtype));
  }
  // Unlike get, get_ref refuses numbers of other kinds, such as 1e58, which no integer can hold.
  const json& offsets = entry.at("data_offsets");
  const std::uint64_t begin = offsets.at(0).get_ref<const std::uint64_t&>();
  const std::uint64_t end = offsets.at(1).get_ref<const std::uint64_t&>();
  if (begin > end || end > data.size() || end - begin != elements * element_bytes(*type)) {
    fail(ErrorCode::kBadData, "{}: tensor {}: bytes {} to {} of {} do not hold a {} of shape {}",
         source, excerpt(name), begin, end, data.size(), dtype, to_string(shape));
  }
  if (end - begin > unclaimed) {
    fail(ErrorCode::kBadData, "{}: tensor {}: its bytes belong to another tensor as well", source,
         excerpt(name));
  }
  unclaimed -= end - begin;
  Tensor tensor = Tensor::of_shape(std::move(shape), *type);
  std::ranges::copy(data.subspan(begin, end - begin), tensor.bytes.begin());
  return tensor;
}

}  // namespace

Weights parse_safetensors(std::span<const std::byte> content, const std::string& source) {
  std::uint64_t header_bytes = 0;
  if (content.size() < sizeof header_bytes) {
    fail(ErrorCode::kBadData, "{}: expected a safetensors file, found {} bytes", source,
         content.size());
  }
  std::memcpy(&header_bytes, content.data(), sizeof header_bytes);
  content = content.subspan(sizeof header_bytes);
  if (header_bytes > kMaxHeaderBytes || header_bytes > content.size()) {
    fail(ErrorCode::kBadData,
         "{}: not a safetensors file, or cut short: a header of {} bytes in {}", source,
         header_bytes, content.size());
  }
  const auto* text = reinterpret_cast<const char*>(content.data());
  const auto data = content.subspan(header_bytes);
  Weights weights;
  std::uint64_t unclaimed = data.size();
  try {
    const json header = json::parse(text, text + header_bytes);
    for (const auto& [name, entry] : header.get_ref<const json::object_t&>()) {
      if (name == "__metadata__") {
        weights.metadata = entry.get<decltype(weights.metadata)>();
      } else {
        weights.tensors.emplace(name, parse_tensor(name, entry, data, unclaimed, source));
      }
    }
  } catch (const json::exception& error) {
    fail(ErrorCode::kBadData, "{}: the safetensors header is malformed ({})", source,
         library_reason(error.what()));
  }
  return weights;
}

Weights read_safetensors(const std::filesystem::path& path) {
  return parse_safetensors(read_file(path), printable(path));
}

void write_safetensors(const std::filesystem::path& path, const Weights& weights) {
  json header = json::object();
  if (!weights.metadata.empty()) header["__metadata__"] = weights.metadata;
  std::uint64_t offset = 0;
  for (const auto& [name, tensor] : weights.tensors) {
    const std::uint64_t end = offset + tensor.bytes.size();
    header[name] = {
        {"dtype", dtype_of(tensor.type)}, {"shape", tensor.shape}, {"data_offsets", {offset, end}}};
    offset = end;
  }
  std::string text = header.dump();
  text.append((8 - text.size() % 8) % 8, ' ');  // so that the tensors are aligned in a mapped file

  std::vector<std::byte> content(sizeof(std::uint64_t) + text.size() + offset);
  const std::uint64_t header_bytes = text.size();
  std::byte* to = content.data();
  const auto append = [&to](const void* from, std::size_t bytes) {
    if (bytes > 0) std::memcpy(to, from, bytes);
    to += bytes;
  };
  append(&header_bytes, sizeof header_bytes);
  append(text.data(), text.size());
  for (const auto& [name, tensor] : weights.tensors) {
    append(tensor.bytes.data(), tensor.bytes.size());
  }
  write_file_atomically(path, content);
}

}  // namespace retinaface::graph
