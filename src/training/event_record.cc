#include "training/event_record.h"

#include <bit>

#include "base/crc32c.h"

namespace retinaface::training {
namespace {

/// The bytes of a number, the lowest first.
template <typename T>
std::string little_endian(T number) {
  std::string bytes;
  for (std::size_t i = 0; i < sizeof number; ++i) {
    bytes += static_cast<char>(number >> (8 * i) & 0xFF);
  }
  return bytes;
}

/// TFRecord's CRCs are masked, since a CRC of data that holds its own CRC is a poor one.
std::string guard(std::string_view bytes) {
  constexpr std::uint32_t kMaskDelta = 0xA282EAD8;
  return little_endian(std::rotr(crc32c(bytes), 15) + kMaskDelta);
}

std::string record(std::string_view content) {
  const std::string length = little_endian(std::uint64_t{content.size()});
  return (length + guard(length)).append(content) + guard(content);
}

/// A protobuf message in the making; fields are numbered as in the .proto file.
class Message {
 public:
  Message& add(int field, double value) {
    key(field, 1);
    bytes_ += little_endian(std::bit_cast<std::uint64_t>(value));
    return *this;
  }
  Message& add(int field, float value) {
    key(field, 5);
    bytes_ += little_endian(std::bit_cast<std::uint32_t>(value));
    return *this;
  }
  Message& add(int field, std::int64_t value) {
    key(field, 0);
    varint(static_cast<std::uint64_t>(value));
    return *this;
  }
  Message& add(int field, std::string_view bytes) {
    key(field, 2);
    varint(bytes.size());
    bytes_ += bytes;
    return *this;
  }
  Message& add(int field, const Message& part) { return add(field, std::string_view(part.bytes_)); }

  const std::string& bytes() const { return bytes_; }

 private:
  void key(int field, int wire_type) { varint(static_cast<std::uint64_t>(field << 3 | wire_type)); }

  void varint(std::uint64_t value) {
    for (; value >= 0x80; value >>= 7) bytes_ += static_cast<char>(value | 0x80);
    bytes_ += static_cast<char>(value);
  }

  std::string bytes_;
};

// Event: wall_time 1, step 2, file_version 3, summary 5. Summary: value 1. Value: tag 1,
// simple_value 2.
constexpr int kTime = 1;
constexpr int kStep = 2;
constexpr int kFileVersion = 3;
constexpr int kSummary = 5;
constexpr int kSummaryValue = 1;
constexpr int kTag = 1;
constexpr int kSimpleValue = 2;

}  // namespace

std::string first_event_record(double time) {
  using namespace std::string_view_literals;
  return record(Message().add(kTime, time).add(kFileVersion, "brain.Event:2"sv).bytes());
}

std::string scalars_record(double time, std::int64_t step, Scalars scalars) {
  Message summary;
  for (const auto& [name, value] : scalars) {
    Message part;
    part.add(kTag, std::string_view(name)).add(kSimpleValue, static_cast<float>(value));
    summary.add(kSummaryValue, part);
  }
  return record(Message().add(kTime, time).add(kStep, step).add(kSummary, summary).bytes());
}

}  // namespace retinaface::training
