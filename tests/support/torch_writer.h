#pragma once

#include <array>
#include <cstdint>
#include <cstring>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "graph/weights.h"

namespace retinaface::testing {

/// The little-endian bytes of a number.
template <typename T>
std::string bytes_of(T number) {
  std::string bytes(sizeof number, '\0');
  std::memcpy(bytes.data(), &number, sizeof number);
  return bytes;
}

inline std::vector<std::byte> as_bytes(std::string_view text) {
  const auto* const begin = reinterpret_cast<const std::byte*>(text.data());
  return {begin, begin + text.size()};
}

/// Spells out a pickle, opcode by opcode.
class PickleWriter {
 public:
  std::string bytes = "\x80\x02";

  PickleWriter& raw(std::string_view opcodes) {
    bytes += opcodes;
    return *this;
  }
  PickleWriter& text(std::string_view value) {
    bytes += 'X' + bytes_of(static_cast<std::uint32_t>(value.size()));
    return raw(value);
  }
  PickleWriter& integer(std::int64_t value) { return raw("\x8a\x08").raw(bytes_of(value)); }
  PickleWriter& integers(const std::vector<std::int64_t>& values) {
    raw("(");
    for (const std::int64_t value : values) integer(value);
    return raw("t");
  }
  PickleWriter& global(std::string_view module, std::string_view name) {
    return raw("c").raw(module).raw("\n").raw(name).raw("\n");
  }
  /// ("storage", torch.CLASS, key, "cpu", elements), and what it stands for.
  PickleWriter& storage(std::string_view key, std::int64_t elements,
                        std::string_view type = "FloatStorage") {
    raw("(").text("storage").global("torch", type).text(key).text("cpu").integer(elements);
    return raw("tQ");
  }
  /// A tensor of the storage that `storage` wrote the key and size of.
  PickleWriter& tensor(std::string_view key, std::int64_t elements, std::int64_t offset,
                       const std::vector<std::int64_t>& shape,
                       const std::vector<std::int64_t>& strides,
                       std::string_view type = "FloatStorage") {
    global("torch._utils", "_rebuild_tensor_v2").raw("(").storage(key, elements, type);
    integer(offset).integers(shape).integers(strides).raw("\x89");
    return global("collections", "OrderedDict").raw(")RtR");
  }
  std::string stop() const { return bytes + "."; }
};

/// A checkpoint in the making: the pickle of its object and the bytes of its storages by key.
struct TorchFile {
  std::string pickle;
  std::map<std::string, std::string> storages;
  std::size_t element_bytes = 4;

  /// As torch.save's legacy format.
  std::string legacy() const {
    std::string file("\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19.", 15);
    file += PickleWriter().integer(1001).stop();
    file += PickleWriter().raw("}").text("little_endian").raw("\x88s").stop();
    file += pickle;
    PickleWriter keys;
    keys.raw("](");
    for (const auto& [key, bytes] : storages) keys.text(key);
    file += keys.raw("e").stop();
    for (const auto& [key, bytes] : storages) {
      file += bytes_of(std::uint64_t{bytes.size() / element_bytes}) + bytes;
    }
    return file;
  }
  /// As torch.save's zip format.
  std::string zip() const;
};

/// A zip archive of stored files; with `zip64`, all sizes and offsets stand in zip64 records.
inline std::string make_zip(const std::vector<std::pair<std::string, std::string>>& files,
                            bool zip64 = false) {
  const auto checksum = [](const std::string& data) {  // bit by bit, from the definition
    std::uint32_t value = 0xFFFFFFFF;
    for (const char c : data) {
      value ^= static_cast<unsigned char>(c);
      for (int bit = 0; bit < 8; ++bit) value = value >> 1 ^ (0xEDB88320U & -(value & 1U));
    }
    return ~value;
  };
  const auto u16 = [](std::size_t value) { return bytes_of(static_cast<std::uint16_t>(value)); };
  const auto u32 = [](std::size_t value) { return bytes_of(static_cast<std::uint32_t>(value)); };
  const auto u64 = [](std::size_t value) { return bytes_of(std::uint64_t{value}); };

  std::string archive;
  std::string directory;
  for (const auto& [name, data] : files) {
    const std::size_t offset = archive.size();
    const std::string about = u16(0) + u16(0) + u32(0) + bytes_of(checksum(data));
    archive += "PK\x03\x04" + u16(20) + about + u32(data.size()) + u32(data.size());
    archive += u16(name.size()) + u16(3) + name + "pad" + data;
    const std::string extra =
        zip64 ? u16(1) + u16(24) + u64(data.size()) + u64(data.size()) + u64(offset) : "";
    const std::size_t shown = zip64 ? 0xFFFFFFFF : data.size();
    directory += "PK\x01\x02" + u16(20) + u16(20) + about + u32(shown) + u32(shown);
    directory += u16(name.size()) + u16(extra.size()) + u16(0) + u16(0) + u16(0) + u32(0);
    directory += u32(zip64 ? 0xFFFFFFFF : offset) + name + extra;
  }
  const std::size_t begin = archive.size();
  archive += directory;
  const std::size_t count = files.size();
  if (zip64) {
    const std::size_t end = archive.size();
    archive += "PK\x06\x06" + u64(44) + u16(45) + u16(45) + u32(0) + u32(0) + u64(count) +
               u64(count) + u64(directory.size()) + u64(begin);
    archive += "PK\x06\x07" + u32(0) + u64(end) + u32(1);
  }
  archive += "PK\x05\x06" + u16(0) + u16(0) + u16(zip64 ? 0xFFFF : count) +
             u16(zip64 ? 0xFFFF : count) + u32(zip64 ? 0xFFFFFFFF : directory.size()) +
             u32(zip64 ? 0xFFFFFFFF : begin) + u16(0);
  return archive;
}

inline std::string TorchFile::zip() const {
  std::vector<std::pair<std::string, std::string>> files = {{"archive/data.pkl", pickle}};
  for (const auto& [key, bytes] : storages) files.emplace_back("archive/data/" + key, bytes);
  files.emplace_back("archive/version", "3\n");
  return make_zip(files);
}

/// A state dict of these weights as torch.save would write it, each name after `prefix`.
inline TorchFile torch_file(const graph::Weights& weights, const std::string& prefix = "") {
  TorchFile file;
  PickleWriter pickle;
  pickle.raw("}(");
  for (const auto& [name, tensor] : weights.tensors) {
    const std::string key = std::to_string(file.storages.size());
    std::vector<std::int64_t> strides(tensor.shape.size(), 1);
    for (std::size_t axis = strides.size(); axis-- > 1;) {
      strides[axis - 1] = strides[axis] * tensor.shape[axis];
    }
    const auto elements = static_cast<std::int64_t>(tensor.values().size());
    pickle.text(prefix + name).tensor(key, elements, 0, tensor.shape, strides);
    const auto* const bytes = reinterpret_cast<const char*>(tensor.values().data());
    file.storages[key] = std::string(bytes, tensor.values().size() * sizeof(float));
  }
  file.pickle = pickle.raw("u").stop();
  return file;
}

}  // namespace retinaface::testing
