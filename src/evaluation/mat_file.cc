#include "evaluation/mat_file.h"

#include <bit>
#include <cstdint>
#include <cstring>
#include <memory>
#include <span>

#define ZLIB_CONST  // its input pointer is to be const
#include <zlib.h>

#include "base/check.h"
#include "base/file.h"

namespace retinaface::evaluation {
namespace {

static_assert(std::endian::native == std::endian::little,
              "numbers are copied as they lie in files");

using Bytes = std::span<const std::byte>;

constexpr std::size_t kHeaderBytes = 128;
constexpr std::size_t kVersionOffset = 124;
constexpr std::uint16_t kLevel5 = 0x0100;
constexpr std::uint16_t kLevel73 = 0x0200;
constexpr std::uint16_t kLittleEndian = 0x4D49;  // "IM"
constexpr std::uint16_t kBigEndian = 0x494D;
constexpr std::size_t kMaxBytes = std::size_t{256} << 20;  // of a file, inflated
constexpr int kMaxDepth = 16;

// Types of data elements, and classes of arrays that the format numbers apart from them.
enum Type : std::uint32_t {
  kInt8 = 1,
  kUint8 = 2,
  kInt16 = 3,
  kUint16 = 4,
  kInt32 = 5,
  kUint32 = 6,
  kSingle = 7,
  kDouble = 9,
  kInt64 = 12,
  kUint64 = 13,
  kMatrix = 14,
  kCompressed = 15,
  kUtf8 = 16,
  kUtf16 = 17,
};
enum Class : std::uint32_t { kCellClass = 1, kCharClass = 4, kFirstNumeric = 6, kLastNumeric = 15 };
constexpr std::uint32_t kComplexFlag = 0x0800;

/// Damage, found somewhere inside; the callers that know file and variable add their names.
struct Damage {
  const char* what;
};

template <typename T>
T load(Bytes bytes, std::size_t offset = 0) {
  T value;
  if (offset + sizeof(T) > bytes.size()) throw Damage{"it ends too early"};
  std::memcpy(&value, bytes.data() + offset, sizeof(T));
  return value;
}

struct Element {
  std::uint32_t type = 0;
  Bytes content;
};

/// Takes the first element off `rest`.
Element take_element(Bytes& rest) {
  const auto tag = load<std::uint32_t>(rest);
  Element element;
  std::size_t start = 8;
  std::size_t size = tag >> 16;
  if (size != 0) {  // the small form: size and type in one word, up to four bytes in the next
    element.type = tag & 0xFFFFU;
    start = 4;
    if (size > 4) throw Damage{"a small element of more than four bytes"};
  } else {
    element.type = tag;
    size = load<std::uint32_t>(rest, 4);
  }
  if (start + size > rest.size()) throw Damage{"it ends too early"};
  element.content = rest.subspan(start, size);
  // All but compressed elements are filled up to eight bytes; some writers omit the last filling.
  const std::size_t whole = start == 4                    ? 8
                            : element.type == kCompressed ? start + size
                                                          : start + (size + 7) / 8 * 8;
  rest = rest.subspan(std::min(whole, rest.size()));
  return element;
}

std::vector<std::byte> inflated(Bytes compressed, std::size_t max_bytes) {
  z_stream stream{};
  if (inflateInit(&stream) != Z_OK) throw std::bad_alloc();
  const std::unique_ptr<z_stream, decltype(&inflateEnd)> ending(&stream, &inflateEnd);
  stream.next_in = reinterpret_cast<const Bytef*>(compressed.data());
  stream.avail_in = static_cast<uInt>(compressed.size());

  std::vector<std::byte> content(std::min(4 * compressed.size() + 64, max_bytes));
  for (;;) {
    stream.next_out = reinterpret_cast<Bytef*>(content.data()) + stream.total_out;
    stream.avail_out = static_cast<uInt>(content.size() - stream.total_out);
    const int status = inflate(&stream, Z_NO_FLUSH);
    if (status == Z_STREAM_END) break;
    if (status != Z_OK) throw Damage{"its compressed data are damaged"};
    if (stream.avail_out == 0) {
      if (content.size() == max_bytes) throw Damage{"it holds more than 256 MB"};
      content.resize(std::min(2 * content.size(), max_bytes));
    }
  }
  content.resize(stream.total_out);
  return content;
}

template <typename T>
void append_numbers(Bytes content, std::vector<double>& numbers) {
  numbers.reserve(content.size() / sizeof(T));
  for (std::size_t i = 0; i + sizeof(T) <= content.size(); i += sizeof(T)) {
    numbers.push_back(static_cast<double>(load<T>(content, i)));
  }
}

/// An element's values, whatever their type.
std::vector<double> numbers_in(const Element& element) {
  std::vector<double> numbers;
  switch (element.type) {
    case kInt8:
      append_numbers<std::int8_t>(element.content, numbers);
      break;
    case kUtf8:
    case kUint8:
      append_numbers<std::uint8_t>(element.content, numbers);
      break;
    case kInt16:
      append_numbers<std::int16_t>(element.content, numbers);
      break;
    case kUtf16:
    case kUint16:
      append_numbers<std::uint16_t>(element.content, numbers);
      break;
    case kInt32:
      append_numbers<std::int32_t>(element.content, numbers);
      break;
    case kUint32:
      append_numbers<std::uint32_t>(element.content, numbers);
      break;
    case kSingle:
      append_numbers<float>(element.content, numbers);
      break;
    case kDouble:
      append_numbers<double>(element.content, numbers);
      break;
    case kInt64:
      append_numbers<std::int64_t>(element.content, numbers);
      break;
    case kUint64:
      append_numbers<std::uint64_t>(element.content, numbers);
      break;
    default:
      throw Damage{"values of an unknown type"};
  }
  return numbers;
}

/// What stands before the values of every array.
struct ArrayHeader {
  std::uint32_t flags = 0;
  std::size_t rows = 0;
  std::size_t columns = 0;
  std::string name;
};

ArrayHeader take_header(Bytes& rest) {
  ArrayHeader header;
  header.flags = load<std::uint32_t>(take_element(rest).content);
  const Bytes dimensions = take_element(rest).content;
  if (dimensions.size() != 8) throw Damage{"expected two dimensions"};
  header.rows = load<std::uint32_t>(dimensions, 0);
  header.columns = load<std::uint32_t>(dimensions, 4);
  const Bytes name = take_element(rest).content;
  header.name.assign(reinterpret_cast<const char*>(name.data()), name.size());
  return header;
}

MatArray parse_array(Bytes rest, int depth) {
  MatArray array;
  if (rest.empty()) return array;  // how a cell without content is stored
  if (depth > kMaxDepth) throw Damage{"cells nested too deeply"};
  const ArrayHeader header = take_header(rest);
  array.rows = header.rows;
  array.columns = header.columns;
  const std::size_t count = array.rows * array.columns;  // both below 2^32
  const std::uint32_t kind = header.flags & 0xFFU;
  if ((header.flags & kComplexFlag) != 0) throw Damage{"complex numbers"};
  if (count == 0) return array;
  if (kind == kCellClass) {
    if (count > rest.size() / 8) throw Damage{"it ends too early"};
    array.cells.reserve(count);
    for (std::size_t i = 0; i < count; ++i) {
      const Element cell = take_element(rest);
      if (cell.type != kMatrix) throw Damage{"a cell that is no array"};
      array.cells.push_back(parse_array(cell.content, depth + 1));
    }
    return array;
  }
  if (kind != kCharClass && (kind < kFirstNumeric || kind > kLastNumeric)) {
    throw Damage{"expected numbers, text or cells"};
  }
  array.numbers = numbers_in(take_element(rest));
  if (array.numbers.size() != count) throw Damage{"values that do not fill its dimensions"};
  if (kind == kCharClass) {
    for (const double unit : array.numbers) {
      array.text += unit >= 0 && unit < 0x80 ? static_cast<char>(unit) : '?';
    }
    array.numbers.clear();
  }
  return array;
}

}  // namespace

MatFile::MatFile(const std::filesystem::path& path) : name_(printable(path)) {
  const std::vector<std::byte> file = read_file(path, kMaxBytes);
  const Bytes bytes(file);
  if (bytes.size() < kHeaderBytes) {
    fail(ErrorCode::kBadData, "{}: expected a MATLAB file, found {} bytes", name_, bytes.size());
  }
  const auto version = load<std::uint16_t>(bytes, kVersionOffset);
  const auto order = load<std::uint16_t>(bytes, kVersionOffset + 2);
  if (version == kLevel73 || order == kBigEndian) {
    fail(ErrorCode::kUnsupported,
         "{}: expected a little-endian MATLAB file of level 5, found another kind", name_);
  }
  if (version != kLevel5 || order != kLittleEndian) {
    fail(ErrorCode::kBadData, "{}: expected a MATLAB file of level 5", name_);
  }
  std::size_t budget = kMaxBytes;
  try {
    for (Bytes rest = bytes.subspan(kHeaderBytes); !rest.empty();) {
      Element element = take_element(rest);
      std::vector<std::byte> buffer;
      if (element.type == kCompressed) {
        buffer = inflated(element.content, budget);
        budget -= buffer.size();
        Bytes inner(buffer);
        element = take_element(inner);
      }
      if (element.type != kMatrix) continue;
      Bytes content = element.content;
      const std::string variable = take_header(content).name;
      variables_.emplace(variable, std::vector(element.content.begin(), element.content.end()));
    }
  } catch (const Damage& damage) {
    fail(ErrorCode::kBadData, "{}: damaged: {}", name_, damage.what);
  }
}

MatArray MatFile::read(const std::string& variable) const {
  const auto found = variables_.find(variable);
  if (found == variables_.end()) {
    fail(ErrorCode::kBadData, "{}: expected a variable {}, found none", name_, variable);
  }
  try {
    return parse_array(found->second, 0);
  } catch (const Damage& damage) {
    fail(ErrorCode::kBadData, "{}: variable {}: {}", name_, variable, damage.what);
  }
}

}  // namespace retinaface::evaluation
