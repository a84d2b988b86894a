#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>

namespace retinaface {
inline namespace internal {

/// 128 bits that tell contents apart. Equal contents have equal hashes; that two others of a
/// billion have one by chance is out of the question, by intent it is not.
struct ContentHash {
  std::uint64_t high = 0;
  std::uint64_t low = 0;

  friend auto operator<=>(const ContentHash&, const ContentHash&) = default;
};

/// It as hexadecimal digits.
std::string digits_of(const ContentHash& hash);
inline constexpr std::size_t kHashDigits = 32;

/// Hashes bytes that come in parts (FNV-1a of 128 bits, Fowler, Noll and Vo).
class ContentHasher {
 public:
  void add(std::span<const std::byte> bytes);
  /// The count first, so that parts that follow each other cannot be told to be others.
  void add_counted(std::span<const std::byte> bytes);
  ContentHash hash() const;

 private:
  // The offset basis, 144066263297769815596495629667062367629.
  std::uint64_t high_ = 0x6c62272e07bb0142;
  std::uint64_t low_ = 0x62b821756295c58d;
};

/// Of a whole file, of any size. Throws Error(kUnreadable) with the path.
ContentHash hash_of_file(const std::filesystem::path& path);

}  // namespace internal
}  // namespace retinaface
