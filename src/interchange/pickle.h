#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "interchange/byte_reader.h"
#include "interchange/stored_tensor.h"

namespace retinaface::interchange {

// What a pickle may build: plain data and tensors, nothing else. Values refer to each other by
// pointer, may be shared and may form cycles: the Pickle owns them all, so whoever follows the
// pointers deeper than a fixed number of steps must watch for cycles.

struct Value;
using Pointer = const Value*;

// The widest integer in a checkpoint is the legacy format's magic number, of 77 bits.
using Integer = __int128_t;

struct None {};
struct ByteString {
  std::string bytes;
};
struct List {
  std::vector<Pointer> items;
};
struct Tuple {
  std::vector<Pointer> items;
};
/// Pairs in the order in which they were set; of two with one key the later one counts.
struct Dict {
  std::vector<std::pair<Pointer, Pointer>> items;
};

/// The functions that a checkpoint may name. They are not called: the machine does what they would.
enum class Function { kOrderedDict, kRebuildTensor, kRebuildParameter };

/// Elements that lie elsewhere in the checkpoint, under `key`.
struct Storage {
  ElementType type = ElementType::kFloat32;
  std::string_view key;       ///< into one of the pickle's values
  std::int64_t first = 0;     ///< not 0 for views of a part, which old checkpoints have
  std::int64_t elements = 0;  ///< from `first` on
};

/// A tensor within its storage; touches no element outside.
struct TensorValue {
  Pointer storage = nullptr;
  std::int64_t offset = 0;  ///< in elements, from the storage's first
  std::vector<std::int64_t> shape;
  std::vector<std::int64_t> strides;
};

struct Value {
  std::variant<None, bool, Integer, double, std::string, ByteString, List, Tuple, Dict, Function,
               ElementType, Storage, TensorValue>
      content;
};

/// "a list", "a tensor": what a value is, for messages.
std::string_view kind_of(const Value& value);

struct Pickle {
  std::deque<Value> values;  ///< everything that was built; a deque, so that pointers stay valid
  Pointer root = nullptr;    ///< what the pickle stands for, one of `values`
};

/// Runs the pickle that starts at the reader's position, up to and with its STOP. The machine knows
/// the opcodes of protocols 1 to 5 that torch.save writes (protocol 0 cannot hold a tensor). It
/// imports nothing and calls nothing: of all globals a pickle may ask for it knows OrderedDict, the
/// classes of storages and the functions that put a tensor together, and acts on those itself
/// (rebuild.h).
///
/// Throws Error: kUnsupported for any other global or opcode, by name; kBadData for what is cut
/// short or makes no sense; kTooLarge beyond a million opcodes. Memory stays within a small
/// multiple of the bytes read, time within a linear one.
Pickle parse_pickle(ByteReader& reader);

}  // namespace retinaface::interchange
