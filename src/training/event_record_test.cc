#include "training/event_record.h"

#include <cstring>
#include <map>
#include <string_view>

#include <gtest/gtest.h>

#include "base/crc32c.h"

namespace retinaface::training {
namespace {

/// One message of protobuf taken apart by the encoding's rules: by field, the bytes of its values
/// (of a varint its number).
struct Message {
  std::multimap<std::uint64_t, std::string_view> bytes;
  std::multimap<std::uint64_t, std::uint64_t> varints;

  explicit Message(std::string_view text) {
    const auto varint = [&] {
      std::uint64_t value = 0;
      for (int shift = 0;; shift += 7) {
        const auto byte = static_cast<unsigned char>(text.at(0));
        text.remove_prefix(1);
        value |= std::uint64_t{byte & 0x7FU} << shift;
        if (byte < 0x80) return value;
      }
    };
    const auto take = [&](std::uint64_t size) {
      const std::string_view part = text.substr(0, size);
      EXPECT_EQ(part.size(), size);
      text.remove_prefix(part.size());
      return part;
    };
    while (!text.empty()) {
      const std::uint64_t key = varint();
      switch (key & 7) {
        case 0:
          varints.emplace(key >> 3, varint());
          break;
        case 1:
          bytes.emplace(key >> 3, take(8));
          break;
        case 2:
          bytes.emplace(key >> 3, take(varint()));
          break;
        case 5:
          bytes.emplace(key >> 3, take(4));
          break;
        default:
          ADD_FAILURE() << "wire type " << (key & 7);
          return;
      }
    }
  }
};

template <typename T>
T number(std::string_view bytes) {
  T value{};
  EXPECT_EQ(bytes.size(), sizeof value);
  std::memcpy(&value, bytes.data(), std::min(bytes.size(), sizeof value));
  return value;
}

bool guards(std::string_view guard, std::string_view bytes) {
  const std::uint32_t masked = number<std::uint32_t>(guard);
  const std::uint32_t rotated = masked - 0xA282EAD8U;
  return (rotated >> 17 | rotated << 15) == crc32c(bytes);
}

/// The content of a file's only record.
std::string_view content_of(std::string_view record) {
  const std::string_view length = record.substr(0, 8);
  EXPECT_TRUE(guards(record.substr(8, 4), length));
  const std::string_view content = record.substr(12, number<std::uint64_t>(length));
  EXPECT_EQ(record.size(), content.size() + 16);
  EXPECT_TRUE(guards(record.substr(12 + content.size()), content));
  return content;
}

TEST(EventRecord, StartsFilesWithTheirVersion) {
  const std::string record = first_event_record(1234.5);
  const Message event(content_of(record));
  EXPECT_EQ(number<double>(event.bytes.find(1)->second), 1234.5);
  EXPECT_EQ(event.bytes.find(3)->second, "brain.Event:2");
}

// Spelt out from event.proto and the encoding's description; the CRCs are checked above.
TEST(EventRecord, EqualsAnExampleWorkedByHand) {
  const std::pair<std::string, double> scalar[] = {{"loss", 0.5}};
  const std::string record = scalars_record(1, 300, scalar);
  using namespace std::string_view_literals;
  constexpr std::string_view expected =
      "\x09\x00\x00\x00\x00\x00\x00\xF0\x3F"  // wall_time: 1.0
      "\x10\xAC\x02"                          // step: 300
      "\x2A\x0D\x0A\x0B"                      // summary { value {
      "\x0A\x04loss\x15\x00\x00\x00\x3F"sv;   // tag, simple_value: 0.5F
  EXPECT_EQ(content_of(record), expected);
}

TEST(EventRecord, ComesBackAsWritten) {
  const std::pair<std::string, double> scalars[] = {
      {"loss/total", 3.25}, {"validation/ap", -1e-3}, {std::string(300, 'x'), 1e30}};
  const std::string record = scalars_record(1.7e9, 123456789012, scalars);
  const Message event(content_of(record));
  EXPECT_EQ(event.varints.find(2)->second, 123456789012U);
  const Message summary(event.bytes.find(5)->second);
  ASSERT_EQ(summary.bytes.count(1), 3U);
  auto value = summary.bytes.begin();
  for (const auto& [name, expected] : scalars) {
    const Message part((value++)->second);
    EXPECT_EQ(part.bytes.find(1)->second, name);
    EXPECT_EQ(number<float>(part.bytes.find(2)->second), static_cast<float>(expected));
  }
}

}  // namespace
}  // namespace retinaface::training
