#include "interchange/rebuild.h"

#include <algorithm>
#include <array>
#include <limits>

#include "base/file.h"

namespace retinaface::interchange {
namespace {

constexpr std::size_t kMaxRank = 8;

struct KnownGlobal {
  std::string_view module;
  std::string_view name;
  std::variant<Function, ElementType> meaning;
};

constexpr std::array<KnownGlobal, 14> kKnownGlobals = {
    {{"collections", "OrderedDict", Function::kOrderedDict},
     {"torch._utils", "_rebuild_tensor", Function::kRebuildTensor},
     {"torch._utils", "_rebuild_tensor_v2", Function::kRebuildTensor},
     {"torch._utils", "_rebuild_parameter", Function::kRebuildParameter},
     {"torch", "FloatStorage", ElementType::kFloat32},
     {"torch", "HalfStorage", ElementType::kFloat16},
     {"torch", "BFloat16Storage", ElementType::kBFloat16},
     {"torch", "DoubleStorage", ElementType::kFloat64},
     {"torch", "LongStorage", ElementType::kInt64},
     {"torch", "IntStorage", ElementType::kInt32},
     {"torch", "ShortStorage", ElementType::kInt16},
     {"torch", "CharStorage", ElementType::kInt8},
     {"torch", "ByteStorage", ElementType::kUInt8},
     {"torch", "BoolStorage", ElementType::kBool}}};

template <typename T>
const T& expect(Pointer value, std::string_view role, const ByteReader& reader) {
  if (const T* content = std::get_if<T>(&value->content)) return *content;
  reader.refuse(ErrorCode::kBadData, "the {} must not be {}", role, kind_of(*value));
}

std::int64_t count(Pointer value, std::string_view role, const ByteReader& reader) {
  const Integer number = expect<Integer>(value, role, reader);
  if (number < 0 || number > std::numeric_limits<std::int64_t>::max()) {
    reader.refuse(ErrorCode::kBadData, "{} is no {}", number, role);
  }
  return static_cast<std::int64_t>(number);
}

std::vector<std::int64_t> counts(Pointer value, std::string_view role, const ByteReader& reader) {
  std::vector<std::int64_t> result;
  const std::vector<Pointer>& items = expect<Tuple>(value, role, reader).items;
  if (items.size() > kMaxRank) {
    reader.refuse(ErrorCode::kUnsupported, "a tensor of {} dimensions, expected at most {}",
                  items.size(), kMaxRank);
  }
  for (const Pointer item : items) result.push_back(count(item, role, reader));
  return result;
}

const std::vector<Pointer>& arguments_of(const Value& arguments, std::size_t at_least,
                                         const ByteReader& reader) {
  const auto& items = expect<Tuple>(&arguments, "arguments", reader).items;
  if (items.size() < at_least) {
    reader.refuse(ErrorCode::kBadData, "expected {} arguments, found {}", at_least, items.size());
  }
  return items;
}

Dict ordered_dict(const Value& arguments, const ByteReader& reader) {
  Dict dict;
  const auto& items = arguments_of(arguments, 0, reader);
  if (items.empty()) return dict;
  for (const Pointer item : expect<List>(items.front(), "list of pairs", reader).items) {
    const auto* list = std::get_if<List>(&item->content);
    const auto* tuple = std::get_if<Tuple>(&item->content);
    const auto* pair = list ? &list->items : tuple ? &tuple->items : nullptr;
    if (pair == nullptr || pair->size() != 2) {
      reader.refuse(ErrorCode::kBadData, "expected a pair of key and value, found {}",
                    kind_of(*item));
    }
    dict.items.emplace_back(pair->front(), pair->back());
  }
  return dict;
}

TensorValue tensor(const Value& arguments, const ByteReader& reader) {
  const auto& items = arguments_of(arguments, 4, reader);
  const auto& storage = expect<Storage>(items[0], "tensor's storage", reader);
  TensorValue result{items[0], count(items[1], "tensor's offset", reader),
                     counts(items[2], "tensor's extents", reader),
                     counts(items[3], "tensor's strides", reader)};
  if (result.shape.size() != result.strides.size()) {
    reader.refuse(ErrorCode::kBadData, "a tensor of {} extents and {} strides", result.shape.size(),
                  result.strides.size());
  }
  const std::int64_t touched = touched_elements(result.shape, result.strides);
  if (touched < 0 || result.offset > storage.elements ||
      touched > storage.elements - result.offset) {
    reader.refuse(
        ErrorCode::kBadData,
        "a tensor of shape {}, strides {} at {} reaches out of its storage of {} elements",
        graph::to_string(result.shape), graph::to_string(result.strides), result.offset,
        storage.elements);
  }
  return result;
}

}  // namespace

Value known_global(std::string_view module, std::string_view name, const ByteReader& reader) {
  const auto* const found = std::ranges::find_if(kKnownGlobals, [&](const KnownGlobal& known) {
    return known.module == module && known.name == name;
  });
  if (found == kKnownGlobals.end()) {
    reader.refuse(ErrorCode::kUnsupported,
                  "asks for {}.{}, which is refused: a checkpoint may hold tensors, numbers, text "
                  "and containers (save model.state_dict() alone)",
                  excerpt(module), excerpt(name));
  }
  return std::visit([](const auto& meaning) { return Value{meaning}; }, found->meaning);
}

Value apply(const Value& function, const Value& arguments, const ByteReader& reader) {
  switch (expect<Function>(&function, "function to call", reader)) {
    case Function::kOrderedDict:
      return {ordered_dict(arguments, reader)};
    case Function::kRebuildTensor:
      return {tensor(arguments, reader)};
    case Function::kRebuildParameter:
      return {expect<TensorValue>(arguments_of(arguments, 1, reader).front(), "parameter", reader)};
  }
  RF_CHECK(false);
}

Value storage_of(const Value& persistent_id, const ByteReader& reader) {
  const auto& items = expect<Tuple>(&persistent_id, "persistent id", reader).items;
  if (items.size() < 5 ||
      expect<std::string>(items[0], "kind of persistent id", reader) != "storage") {
    reader.refuse(ErrorCode::kUnsupported, "expected the persistent id of a storage");
  }
  Storage storage{.type = expect<ElementType>(items[1], "storage's class", reader),
                  .key = expect<std::string>(items[2], "storage's key", reader),
                  .elements = count(items[4], "storage's size", reader)};
  if (items.size() > 5 && !std::holds_alternative<None>(items[5]->content)) {
    const auto& view = expect<Tuple>(items[5], "view of a storage", reader).items;
    if (view.size() != 3) reader.refuse(ErrorCode::kBadData, "expected key, first and size");
    const std::int64_t first = count(view[1], "view's first element", reader);
    const std::int64_t elements = count(view[2], "view's size", reader);
    if (first > storage.elements || elements > storage.elements - first) {
      reader.refuse(ErrorCode::kBadData, "a view of {} elements from {} in a storage of {}",
                    elements, first, storage.elements);
    }
    storage.first = first;
    storage.elements = elements;
  }
  return {storage};
}

}  // namespace retinaface::interchange
