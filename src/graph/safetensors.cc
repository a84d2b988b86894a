// The safetensors format: a little-endian 64-bit length, a JSON header of that length with "dtype",
// "shape" and "data_offsets" of each tensor, then the tensors' bytes. doc/model_format.md.

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <limits>
#include <nlohmann/json.hpp>
#include <utility>

#include <fmt/ranges.h>

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
std::vector<std::int64_t> checked_shape(const std::string& name,
                                        const std::vector<std::uint64_t>& extents,
                                        const std::string& source) {
  constexpr std::uint64_t kMaxElements = std::numeric_limits<std::int32_t>::max();
  std::vector<std::int64_t> shape;
  shape.reserve(extents.size());
  std::uint64_t elements = 1;
  for (const std::uint64_t extent : extents) {
    if (shape.size() == kMaxRank || extent > kMaxElements / elements) {
      fail(ErrorCode::kBadData, "{}: tensor {}: impossible shape {}", source, excerpt(name),
           excerpt(fmt::format("[{}]", fmt::join(extents, ","))));
    }
    shape.push_back(static_cast<std::int64_t>(extent));
    elements *= std::max<std::uint64_t>(extent, 1);
  }
  return shape;
}

/// Takes the header's values as they are met: a program starts by reading one, and a tree of all of
/// them would take longer to build than the tensors to copy.
class HeaderReader : public nlohmann::json_sax<json> {
 public:
  /// `data` are the tensors' bytes. Tensors that are not `wanted` are left out.
  HeaderReader(std::span<const std::byte> data, const std::string& source,
               const TensorFilter& wanted)
      : data_(data), unclaimed_(data.size()), source_(source), wanted_(wanted) {}

  Weights take() { return std::move(weights_); }

  bool null() override { return no_place_for("null"); }
  bool boolean(bool /*value*/) override { return no_place_for("a truth value"); }
  bool number_integer(std::int64_t /*value*/) override { return no_place_for("a number below 0"); }
  bool number_float(double /*value*/, const std::string& /*text*/) override {
    return no_place_for("a number that is not whole");
  }
  bool binary(json::binary_t& /*value*/) override { return no_place_for("bytes"); }

  bool number_unsigned(std::uint64_t value) override {
    if (place_ != Place::kShape && place_ != Place::kOffsets) return no_place_for("a number");
    std::vector<std::uint64_t>& numbers = place_ == Place::kShape ? shape_ : offsets_;
    if (numbers.size() > kMaxRank) malformed("too many numbers");
    numbers.push_back(value);
    return true;
  }

  bool string(std::string& value) override {
    if (place_ == Place::kMetadata) {
      weights_.metadata.insert_or_assign(key_, std::move(value));
      return true;
    }
    if (place_ != Place::kTensor || key_ != "dtype") return no_place_for("text");
    dtype_ = std::move(value);
    has_dtype_ = true;
    return true;
  }

  bool key(std::string& key) override {
    if (ignored_depth_ > 0) return true;
    (place_ == Place::kEntries ? name_ : key_) = std::move(key);
    return true;
  }

  bool start_object(std::size_t /*elements*/) override {
    if (place_ == Place::kFile) {
      place_ = Place::kEntries;
    } else if (place_ == Place::kEntries) {
      place_ = name_ == kMetadataName ? Place::kMetadata : Place::kTensor;
      key_.clear();
      shape_.clear();
      offsets_.clear();
      has_dtype_ = has_shape_ = false;
    } else if (no_place_for("an object")) {
      ++ignored_depth_;
    }
    return true;
  }

  bool end_object() override {
    if (ignored_depth_ > 0) {
      --ignored_depth_;
    } else if (place_ == Place::kEntries) {
      place_ = Place::kFile;
    } else {
      if (place_ == Place::kTensor) add_tensor();
      place_ = Place::kEntries;
    }
    return true;
  }

  bool start_array(std::size_t /*elements*/) override {
    if (place_ == Place::kTensor && key_ == "shape") {
      place_ = Place::kShape;
      has_shape_ = true;
      shape_.clear();
    } else if (place_ == Place::kTensor && key_ == "data_offsets") {
      place_ = Place::kOffsets;
      offsets_.clear();
    } else if (no_place_for("a list")) {
      ++ignored_depth_;
    }
    return true;
  }

  bool end_array() override {
    if (ignored_depth_ > 0) {
      --ignored_depth_;
    } else {
      place_ = Place::kTensor;
    }
    return true;
  }

  bool parse_error(std::size_t /*position*/, const std::string& /*token*/,
                   const json::exception& error) override {
    malformed(error.what());
  }

 private:
  enum class Place { kFile, kEntries, kMetadata, kTensor, kShape, kOffsets };

  [[noreturn]] void malformed(const std::string& problem) const {
    fail(ErrorCode::kBadData, "{}: the safetensors header is malformed ({})", source_,
         library_reason(problem));
  }

  /// Whether what is there is a part of a field that the format does not have; throws if it is not.
  bool no_place_for(const char* found) const {
    if (ignored_depth_ > 0) return true;
    const bool is_known = key_ == "dtype" || key_ == "shape" || key_ == "data_offsets";
    if (place_ == Place::kTensor && !is_known) return true;
    malformed(place_ == Place::kFile ? fmt::format("{} is not expected", found)
                                     : fmt::format("{}: {} is not expected", name_, found));
  }

  void add_tensor() {
    if (!has_dtype_ || !has_shape_ || offsets_.size() != 2) {
      malformed(name_ + ": expected dtype, shape and data_offsets");
    }
    std::vector<std::int64_t> shape = checked_shape(name_, shape_, source_);
    std::uint64_t elements = 1;
    for (const std::int64_t extent : shape) elements *= static_cast<std::uint64_t>(extent);
    const auto* const type = std::ranges::find(kTypes, dtype_, dtype_of);
    if (type == kTypes.end()) {
      fail(ErrorCode::kUnsupported, "{}: tensor {}: type {}, expected F32, F16, BF16, I8 or U8",
           source_, excerpt(name_), excerpt(dtype_));
    }
    const std::uint64_t begin = offsets_[0];
    const std::uint64_t end = offsets_[1];
    if (begin > end || end > data_.size() || end - begin != elements * element_bytes(*type)) {
      fail(ErrorCode::kBadData, "{}: tensor {}: bytes {} to {} of {} do not hold a {} of shape {}",
           source_, excerpt(name_), begin, end, data_.size(), dtype_, to_string(shape));
    }
    // Without this a small file could ask for any amount of memory by naming the same bytes often.
    if (end - begin > unclaimed_) {
      fail(ErrorCode::kBadData, "{}: tensor {}: its bytes belong to another tensor as well",
           source_, excerpt(name_));
    }
    unclaimed_ -= end - begin;
    if (wanted_ && !wanted_(name_)) return;
    Tensor tensor = Tensor::of_shape(std::move(shape), *type);
    std::ranges::copy(data_.subspan(begin, end - begin), tensor.bytes.begin());
    // Most files have them in order.
    const std::size_t before = weights_.tensors.size();
    weights_.tensors.emplace_hint(weights_.tensors.end(), name_, std::move(tensor));
    if (weights_.tensors.size() == before) malformed(name_ + " is there twice");
  }

  static constexpr std::string_view kMetadataName = "__metadata__";

  std::span<const std::byte> data_;
  std::uint64_t unclaimed_;  // bytes of `data_` that no tensor so far has taken
  const std::string& source_;
  const TensorFilter& wanted_;
  Weights weights_;
  Place place_ = Place::kFile;
  int ignored_depth_ = 0;  // of objects and lists inside a field that is skipped
  std::string name_;       // of the entry
  std::string key_;        // of its field
  std::string dtype_;
  std::vector<std::uint64_t> shape_;
  std::vector<std::uint64_t> offsets_;
  bool has_dtype_ = false;
  bool has_shape_ = false;
};

}  // namespace

Weights parse_safetensors(std::span<const std::byte> content, const std::string& source,
                          const TensorFilter& wanted) {
  std::uint64_t header_bytes = 0;
  if (content.size() < sizeof header_bytes) {
    fail(ErrorCode::kBadData, "{}: expected a safetensors file, found {} bytes", source,
         content.size());
  }
  std::memcpy(&header_bytes, content.data(), sizeof header_bytes);
  content = content.subspan(sizeof header_bytes);
  if (header_bytes > kMaxHeaderBytes || content.empty() || content[0] != std::byte{'{'}) {
    fail(ErrorCode::kBadData, "{}: expected a safetensors file, found another kind of file",
         source);
  }
  if (header_bytes > content.size()) {
    fail(ErrorCode::kBadData, "{}: cut short: expected a header of {} bytes, found {}", source,
         header_bytes, content.size());
  }
  const auto* text = reinterpret_cast<const char*>(content.data());
  HeaderReader reader(content.subspan(header_bytes), source, wanted);
  json::sax_parse(text, text + header_bytes, &reader);
  return reader.take();
}

Weights read_safetensors(const std::filesystem::path& path) {
  return parse_safetensors(read_named_file(path), printable(path));
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
