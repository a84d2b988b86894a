// What torch.save writes, after torch/serialization.py.
// Legacy format: five pickles (magic number, protocol version, facts about the machine, the object,
// a list of the keys of its storages), then for each key, in the list's order, a 64-bit count and
// that many elements.
// Zip format: the object's pickle in NAME/data.pkl, each storage in NAME/data/KEY, and where it was
// not little-endian the byte order in NAME/byteorder.

#include "interchange/checkpoint.h"

#include <algorithm>
#include <cstring>
#include <span>

#include "base/check.h"
#include "base/file.h"
#include "graph/weights.h"
#include "interchange/byte_reader.h"
#include "interchange/pickle.h"
#include "interchange/zip.h"

namespace retinaface::interchange {
namespace {

using Bytes = std::span<const std::byte>;
using StorageBytes = std::map<std::string_view, Bytes>;
using Tensors = std::map<std::string, StoredTensor, std::less<>>;

constexpr Integer kLegacyMagic = (Integer{0x1950} << 64) | 0xa86a20f9469cfc6c;
constexpr Integer kLegacyProtocol = 1001;

// Safetensors.

bool is_safetensors(Bytes content) {
  std::uint64_t header_bytes = 0;
  if (content.size() <= sizeof header_bytes) return false;
  std::memcpy(&header_bytes, content.data(), sizeof header_bytes);
  return header_bytes <= content.size() - sizeof header_bytes &&
         content[sizeof header_bytes] == std::byte{'{'};
}

PyTorchCheckpoint from_safetensors(Bytes content, const std::string& source) {
  const auto weights = std::make_shared<graph::Weights>(graph::parse_safetensors(content, source));
  PyTorchCheckpoint checkpoint{source, {}, weights->metadata, weights};
  for (const auto& [name, tensor] : weights->tensors) {
    std::vector<std::int64_t> strides(tensor.shape.size(), 1);
    for (std::size_t axis = strides.size(); axis-- > 1;) {
      strides[axis - 1] = strides[axis] * tensor.shape[axis];
    }
    checkpoint.tensors.emplace(name, StoredTensor{element_type(tensor.type), tensor.shape,
                                                  std::move(strides), std::span(tensor.bytes)});
  }
  return checkpoint;
}

// The object that was saved.

/// The value under `key`, null when there is none.
Pointer find(const Dict& dict, std::string_view key) {
  Pointer found = nullptr;
  for (const auto& [name, value] : dict.items) {
    const auto* const text = std::get_if<std::string>(&name->content);
    if (text != nullptr && *text == key) found = value;
  }
  return found;
}

/// What was saved, or the part of it that is the state dict.
const Dict& state_dict(const Pickle& pickle, const std::string& source) {
  const auto* const root = std::get_if<Dict>(&pickle.root->content);
  if (root == nullptr) {
    fail(ErrorCode::kBadData, "{}: expected a dict of tensors, found {}", source,
         kind_of(*pickle.root));
  }
  for (const std::string_view wrapper : {"state_dict", "model_state_dict", "model"}) {
    const Pointer value = find(*root, wrapper);
    if (value == nullptr) continue;
    if (const auto* const wrapped = std::get_if<Dict>(&value->content)) return *wrapped;
  }
  return *root;
}

StoredTensor locate(const TensorValue& tensor, const std::string& name,
                    const StorageBytes& storages, const std::string& source) {
  const Storage& storage = std::get<Storage>(tensor.storage->content);
  const auto found = storages.find(storage.key);
  if (found == storages.end()) {
    fail(ErrorCode::kBadData, "{}: the values of {} are missing", source, excerpt(name));
  }
  const std::size_t size = element_bytes(storage.type);
  const auto available = static_cast<std::int64_t>(found->second.size() / size);
  if (storage.first > available || storage.elements > available - storage.first) {
    fail(ErrorCode::kBadData, "{}: the storage of {} has {} elements, expected {} from {} on",
         source, excerpt(name), available, storage.elements, storage.first);
  }
  const auto begin = static_cast<std::size_t>(storage.first + tensor.offset) * size;
  const auto end = static_cast<std::size_t>(storage.first + storage.elements) * size;
  return {storage.type, tensor.shape, tensor.strides, found->second.subspan(begin, end - begin)};
}

Tensors tensors_of(const Pickle& pickle, const StorageBytes& storages, const std::string& source) {
  Tensors tensors;
  for (const auto& [key, value] : state_dict(pickle, source).items) {
    const auto* const name = std::get_if<std::string>(&key->content);
    if (name == nullptr) {
      fail(ErrorCode::kBadData, "{}: expected names of tensors, found {}", source, kind_of(*key));
    }
    const auto* const tensor = std::get_if<TensorValue>(&value->content);
    if (tensor == nullptr) {
      fail(ErrorCode::kBadData, "{}: expected a tensor as {}, found {}", source, excerpt(*name),
           kind_of(*value));
    }
    tensors.insert_or_assign(*name, locate(*tensor, *name, storages, source));
  }
  return tensors;
}

// The legacy format.

bool is_integer(Pointer value, Integer expected) {
  const auto* const number = std::get_if<Integer>(&value->content);
  return number != nullptr && *number == expected;
}

void read_legacy_header(ByteReader& reader) {
  Pickle magic;
  try {
    magic = parse_pickle(reader);
  } catch (const Error&) {
    magic.root = nullptr;
  }
  if (magic.root == nullptr || !is_integer(magic.root, kLegacyMagic)) {
    fail(ErrorCode::kBadData,
         "{}: expected a checkpoint of PyTorch or a safetensors file, found neither",
         reader.source());
  }
  if (!is_integer(parse_pickle(reader).root, kLegacyProtocol)) {
    reader.refuse(ErrorCode::kUnsupported, "expected torch.save's legacy format, version {}",
                  kLegacyProtocol);
  }
  const Pickle machine = parse_pickle(reader);
  const auto* const facts = std::get_if<Dict>(&machine.root->content);
  const Pointer little_endian = facts == nullptr ? nullptr : find(*facts, "little_endian");
  const auto* const answer =
      little_endian == nullptr ? nullptr : std::get_if<bool>(&little_endian->content);
  if (answer == nullptr || !*answer) {
    reader.refuse(ErrorCode::kUnsupported, "expected a checkpoint from a little-endian machine");
  }
}

/// The element types of the storages that a pickle asks for, by key.
std::map<std::string_view, ElementType> storage_types(const Pickle& pickle,
                                                      const std::string& source) {
  std::map<std::string_view, ElementType> types;
  for (const Value& value : pickle.values) {
    const auto* const storage = std::get_if<Storage>(&value.content);
    if (storage == nullptr) continue;
    if (types.emplace(storage->key, storage->type).first->second != storage->type) {
      fail(ErrorCode::kBadData, "{}: storage {} has two types", source, excerpt(storage->key));
    }
  }
  return types;
}

Tensors from_legacy(Bytes content, const std::string& source) {
  ByteReader reader(content, source);
  read_legacy_header(reader);
  const Pickle object = parse_pickle(reader);
  const Pickle keys = parse_pickle(reader);
  const auto* const list = std::get_if<List>(&keys.root->content);
  if (list == nullptr) {
    reader.refuse(ErrorCode::kBadData, "expected a list of storages, found {}",
                  kind_of(*keys.root));
  }
  const auto types = storage_types(object, source);
  StorageBytes storages;
  for (const Pointer item : list->items) {
    const auto* const key = std::get_if<std::string>(&item->content);
    const auto type = key == nullptr ? types.end() : types.find(*key);
    if (type == types.end()) {
      reader.refuse(ErrorCode::kBadData, "a storage that no tensor asks for");
    }
    const auto elements = reader.number<std::uint64_t>();
    if (elements > reader.remaining()) {
      reader.refuse(ErrorCode::kBadData, "cut short: a storage of {} elements in {} bytes",
                    elements, reader.remaining());
    }
    storages[type->first] = reader.take(elements * element_bytes(type->second));
  }
  return tensors_of(object, storages, source);
}

// The zip format.

Tensors from_zip(Bytes content, const std::string& source) {
  constexpr std::string_view kPickleName = "/data.pkl";
  const auto files = read_zip(content, source);
  const auto data = std::ranges::find_if(
      files, [&](const auto& file) { return file.first.ends_with(kPickleName); });
  if (data == files.end()) {
    fail(ErrorCode::kBadData,
         "{}: expected a checkpoint of PyTorch, found a zip archive without "
         "data.pkl",
         source);
  }
  const std::string folder = data->first.substr(0, data->first.size() - kPickleName.size() + 1);
  if (const auto order = files.find(folder + "byteorder"); order != files.end()) {
    if (ByteReader(order->second, source).text(order->second.size()) != "little") {
      fail(ErrorCode::kUnsupported, "{}: expected a checkpoint from a little-endian machine",
           source);
    }
  }
  ByteReader reader(data->second, source + ": data.pkl");
  const Pickle object = parse_pickle(reader);
  StorageBytes storages;
  for (const auto& [key, type] : storage_types(object, source)) {
    const auto file = files.find(folder + "data/" + std::string(key));
    if (file != files.end()) storages[key] = file->second;
  }
  return tensors_of(object, storages, source);
}

bool is_zip(Bytes content) {
  constexpr std::string_view kSignature = "PK\x03\x04";
  return content.size() >= kSignature.size() &&
         std::memcmp(content.data(), kSignature.data(), kSignature.size()) == 0;
}

}  // namespace

PyTorchCheckpoint parse_checkpoint(std::vector<std::byte> content, const std::string& source) {
  if (is_safetensors(content)) return from_safetensors(content, source);
  const auto memory = std::make_shared<const std::vector<std::byte>>(std::move(content));
  return {source,
          is_zip(*memory) ? from_zip(*memory, source) : from_legacy(*memory, source),
          {},
          memory};
}

PyTorchCheckpoint read_checkpoint(const std::filesystem::path& path) {
  return parse_checkpoint(read_named_file(path), printable(path));
}

}  // namespace retinaface::interchange
