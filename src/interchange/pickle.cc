#include "interchange/pickle.h"

#include <algorithm>
#include <array>
#include <unordered_map>

#include "base/file.h"
#include "interchange/rebuild.h"

namespace retinaface::interchange {
namespace {

/// A checkpoint of a thousand tensors and the optimizer's state for each has some 100,000.
constexpr std::size_t kMaxSteps = 1'000'000;

/// The opcodes that the machine knows; the values are pickle's own.
enum class Opcode : std::uint8_t {
  kMark = '(',
  kStop = '.',
  kBinInt = 'J',
  kBinInt1 = 'K',
  kBinInt2 = 'M',
  kInt = 'I',
  kLong = 'L',
  kLong1 = 0x8a,
  kBinFloat = 'G',
  kNone = 'N',
  kNewTrue = 0x88,
  kNewFalse = 0x89,
  kBinString = 'T',
  kShortBinString = 'U',
  kBinBytes = 'B',
  kShortBinBytes = 'C',
  kBinBytes8 = 0x8e,
  kBinUnicode = 'X',
  kShortBinUnicode = 0x8c,
  kBinUnicode8 = 0x8d,
  kEmptyDict = '}',
  kEmptyList = ']',
  kEmptyTuple = ')',
  kTuple = 't',
  kTuple1 = 0x85,
  kTuple2 = 0x86,
  kTuple3 = 0x87,
  kAppend = 'a',
  kAppends = 'e',
  kSetItem = 's',
  kSetItems = 'u',
  kBinGet = 'h',
  kLongBinGet = 'j',
  kBinPut = 'q',
  kLongBinPut = 'r',
  kMemoize = 0x94,
  kGlobal = 'c',
  kStackGlobal = 0x93,
  kReduce = 'R',
  kBuild = 'b',
  kBinPersId = 'Q',
  kProto = 0x80,
  kFrame = 0x95,
};

/// The names of pickle's other opcodes, for the message that refuses them.
constexpr std::array<std::pair<std::uint8_t, const char*>, 25> kRefusedOpcodes = {
    {{'0', "POP"},
     {'1', "POP_MARK"},
     {'2', "DUP"},
     {'F', "FLOAT"},
     {'P', "PERSID"},
     {'S', "STRING"},
     {'V', "UNICODE"},
     {'d', "DICT"},
     {'g', "GET"},
     {'i', "INST"},
     {'l', "LIST"},
     {'o', "OBJ"},
     {'p', "PUT"},
     {0x81, "NEWOBJ"},
     {0x82, "EXT1"},
     {0x83, "EXT2"},
     {0x84, "EXT4"},
     {0x8b, "LONG4"},
     {0x8f, "EMPTY_SET"},
     {0x90, "ADDITEMS"},
     {0x91, "FROZENSET"},
     {0x92, "NEWOBJ_EX"},
     {0x96, "BYTEARRAY8"},
     {0x97, "NEXT_BUFFER"},
     {0x98, "READONLY_BUFFER"}}};

class Machine {
 public:
  explicit Machine(ByteReader& reader) : reader_(reader) {}

  Pickle run() {
    for (;;) {
      spend(1);
      const auto opcode = reader_.number<std::uint8_t>();
      if (Opcode{opcode} == Opcode::kStop) break;
      step(opcode);
    }
    pickle_.root = pop();
    return std::move(pickle_);
  }

 private:
  void step(std::uint8_t opcode);

  /// Takes from the budget that bounds memory and time.
  void spend(std::size_t steps) {
    if (steps > kMaxSteps - steps_) {
      reader_.refuse(ErrorCode::kTooLarge, "the pickle is longer than {} steps", kMaxSteps);
    }
    steps_ += steps;
  }

  template <typename T>
  void push(T&& content) {
    pickle_.values.push_back(Value{std::forward<T>(content)});
    stack_.push_back(&pickle_.values.back());
  }
  void push(Value value) {
    pickle_.values.push_back(std::move(value));
    stack_.push_back(&pickle_.values.back());
  }

  /// The stack's top. What lies below the last mark is out of reach until the mark is taken.
  Value& top() {
    if (stack_.size() <= (marks_.empty() ? 0 : marks_.back())) {
      reader_.refuse(ErrorCode::kBadData, "the pickle takes a value that it has not made");
    }
    return *stack_.back();
  }
  Pointer pop() {
    const Pointer value = &top();
    stack_.pop_back();
    return value;
  }
  std::vector<Pointer> pop(std::size_t count) {
    std::vector<Pointer> values(count);
    for (std::size_t i = count; i-- > 0;) values[i] = pop();
    return values;
  }
  std::vector<Pointer> pop_to_mark() {
    if (marks_.empty()) reader_.refuse(ErrorCode::kBadData, "the pickle lacks a mark");
    const auto first = stack_.begin() + static_cast<std::ptrdiff_t>(marks_.back());
    std::vector<Pointer> values(first, stack_.end());
    stack_.erase(first, stack_.end());
    marks_.pop_back();
    return values;
  }

  template <typename T>
  T& top_as(const char* expected) {
    if (T* content = std::get_if<T>(&top().content)) return *content;
    reader_.refuse(ErrorCode::kBadData, "expected {}, found {}", expected, kind_of(top()));
  }

  void append(const std::vector<Pointer>& items) {
    auto& list = top_as<List>("a list").items;
    list.insert(list.end(), items.begin(), items.end());
  }
  void set(const std::vector<Pointer>& items) {
    auto& dict = top_as<Dict>("a dict").items;
    if (items.size() % 2 != 0) reader_.refuse(ErrorCode::kBadData, "a key without a value");
    for (std::size_t i = 0; i < items.size(); i += 2) dict.emplace_back(items[i], items[i + 1]);
  }

  void get(std::uint32_t index) {
    const auto found = memo_.find(index);
    if (found == memo_.end()) reader_.refuse(ErrorCode::kBadData, "nothing is memo {}", index);
    stack_.push_back(found->second);
  }

  std::string_view pop_text() {
    const Pointer value = pop();
    const auto* const text = std::get_if<std::string>(&value->content);
    if (text == nullptr) {
      reader_.refuse(ErrorCode::kBadData, "expected a name, found {}", kind_of(*value));
    }
    return *text;
  }

  Integer decimal(std::string_view digits);
  Integer little_endian(std::size_t bytes);
  double big_endian_double();
  void global();
  void stack_global();
  void reduce();
  void build();

  ByteReader& reader_;
  Pickle pickle_;
  std::vector<Value*> stack_;
  std::vector<std::size_t> marks_;  // sizes of the stack
  std::unordered_map<std::uint32_t, Value*> memo_;
  std::size_t steps_ = 0;
};

Integer Machine::decimal(std::string_view digits) {
  const bool negative = digits.starts_with('-');
  if (negative) digits.remove_prefix(1);
  constexpr std::size_t kMaxDigits = 38;  // of 128 bits
  Integer value = 0;
  const auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
  if (digits.empty() || digits.size() > kMaxDigits || !std::ranges::all_of(digits, is_digit)) {
    reader_.refuse(ErrorCode::kBadData, "expected a number, found '{}'", excerpt(digits));
  }
  for (const char digit : digits) value = 10 * value + (digit - '0');
  return negative ? -value : value;
}

Integer Machine::little_endian(std::size_t bytes) {
  if (bytes > sizeof(Integer)) {
    reader_.refuse(ErrorCode::kUnsupported, "an integer of {} bytes", bytes);
  }
  const auto content = reader_.take(bytes);
  const bool negative = bytes > 0 && (content.back() & std::byte{0x80}) != std::byte{0};
  Integer value = negative ? -1 : 0;
  std::memcpy(&value, content.data(), bytes);  // the rest keeps the sign
  return value;
}

double Machine::big_endian_double() {
  const auto bits = reader_.number<std::uint64_t>();
  return std::bit_cast<double>(__builtin_bswap64(bits));
}

void Machine::global() {
  const std::string_view module = reader_.line();
  const std::string_view name = reader_.line();
  push(known_global(module, name, reader_));
}

void Machine::stack_global() {
  const std::string_view name = pop_text();
  const std::string_view module = pop_text();
  push(known_global(module, name, reader_));
}

void Machine::reduce() {
  const Pointer arguments = pop();
  const Pointer function = pop();
  Value result = apply(*function, *arguments, reader_);
  if (const auto* dict = std::get_if<Dict>(&result.content)) spend(dict->items.size());
  push(std::move(result));
}

/// The state that BUILD sets is a module's version numbers, on a state dict; nobody needs it.
void Machine::build() {
  pop();
  top_as<Dict>("a dict to set attributes of");
}

void Machine::step(std::uint8_t opcode) {
  switch (Opcode{opcode}) {
    case Opcode::kProto:
      return void(reader_.take(1));
    case Opcode::kFrame:
      return void(reader_.take(8));
    case Opcode::kMark:
      return marks_.push_back(stack_.size());
    case Opcode::kNone:
      return push(None{});
    case Opcode::kNewTrue:
      return push(true);
    case Opcode::kNewFalse:
      return push(false);
    case Opcode::kBinInt:
      return push(Integer{reader_.number<std::int32_t>()});
    case Opcode::kBinInt1:
      return push(Integer{reader_.number<std::uint8_t>()});
    case Opcode::kBinInt2:
      return push(Integer{reader_.number<std::uint16_t>()});
    case Opcode::kLong1:
      return push(little_endian(reader_.number<std::uint8_t>()));
    case Opcode::kInt: {
      const std::string_view text = reader_.line();
      if (text == "00" || text == "01") return push(text == "01");
      return push(decimal(text));
    }
    case Opcode::kLong: {
      std::string_view text = reader_.line();
      if (text.ends_with('L')) text.remove_suffix(1);
      return push(decimal(text));
    }
    case Opcode::kBinFloat:
      return push(big_endian_double());
    case Opcode::kShortBinString:
    case Opcode::kShortBinUnicode:
      return push(std::string(reader_.text(reader_.number<std::uint8_t>())));
    case Opcode::kBinString:
    case Opcode::kBinUnicode:
      return push(std::string(reader_.text(reader_.number<std::uint32_t>())));
    case Opcode::kBinUnicode8:
      return push(std::string(reader_.text(reader_.number<std::uint64_t>())));
    case Opcode::kShortBinBytes:
      return push(ByteString{std::string(reader_.text(reader_.number<std::uint8_t>()))});
    case Opcode::kBinBytes:
      return push(ByteString{std::string(reader_.text(reader_.number<std::uint32_t>()))});
    case Opcode::kBinBytes8:
      return push(ByteString{std::string(reader_.text(reader_.number<std::uint64_t>()))});
    case Opcode::kEmptyDict:
      return push(Dict{});
    case Opcode::kEmptyList:
      return push(List{});
    case Opcode::kEmptyTuple:
      return push(Tuple{});
    case Opcode::kTuple:
      return push(Tuple{pop_to_mark()});
    case Opcode::kTuple1:
      return push(Tuple{pop(1)});
    case Opcode::kTuple2:
      return push(Tuple{pop(2)});
    case Opcode::kTuple3:
      return push(Tuple{pop(3)});
    case Opcode::kAppend:
      return append(pop(1));
    case Opcode::kAppends:
      return append(pop_to_mark());
    case Opcode::kSetItem:
      return set(pop(2));
    case Opcode::kSetItems:
      return set(pop_to_mark());
    case Opcode::kBinGet:
      return get(reader_.number<std::uint8_t>());
    case Opcode::kLongBinGet:
      return get(reader_.number<std::uint32_t>());
    case Opcode::kBinPut:
      return void(memo_[reader_.number<std::uint8_t>()] = &top());
    case Opcode::kLongBinPut:
      return void(memo_[reader_.number<std::uint32_t>()] = &top());
    case Opcode::kMemoize:
      return void(memo_[static_cast<std::uint32_t>(memo_.size())] = &top());
    case Opcode::kGlobal:
      return global();
    case Opcode::kStackGlobal:
      return stack_global();
    case Opcode::kReduce:
      return reduce();
    case Opcode::kBuild:
      return build();
    case Opcode::kBinPersId:
      return push(storage_of(*pop(), reader_));
    case Opcode::kStop:
      break;
  }
  const auto* const refused =
      std::ranges::find(kRefusedOpcodes, opcode, [](const auto& entry) { return entry.first; });
  if (refused == kRefusedOpcodes.end()) {
    reader_.refuse(ErrorCode::kBadData, "0x{:02x} is no opcode of a pickle", opcode);
  }
  reader_.refuse(ErrorCode::kUnsupported, "the opcode {} is refused: torch.save has no use for it",
                 refused->second);
}

}  // namespace

std::string_view kind_of(const Value& value) {
  static constexpr std::array<std::string_view, 13> kNames = {
      "None",    "a bool", "an integer", "a float",         "a text",    "bytes",   "a list",
      "a tuple", "a dict", "a function", "a storage class", "a storage", "a tensor"};
  static_assert(kNames.size() == std::variant_size_v<decltype(Value::content)>);
  return kNames[value.content.index()];
}

Pickle parse_pickle(ByteReader& reader) {
  return Machine(reader).run();
}

}  // namespace retinaface::interchange
