#include "base/content_hash.h"

namespace retinaface {
inline namespace internal {
namespace {

using Wide = __uint128_t;

}  // namespace

void ContentHasher::add(std::span<const std::byte> bytes) {
  constexpr Wide kPrime = (Wide{1} << 88) + 0x13b;
  Wide state = (Wide{high_} << 64) | Wide{low_};
  for (const std::byte byte : bytes) {
    state ^= Wide{static_cast<std::uint8_t>(byte)};
    state *= kPrime;
  }
  high_ = static_cast<std::uint64_t>(state >> 64);
  low_ = static_cast<std::uint64_t>(state);
}

void ContentHasher::add_counted(std::span<const std::byte> bytes) {
  const std::uint64_t count = bytes.size();
  add(std::as_bytes(std::span(&count, 1)));
  add(bytes);
}

ContentHash ContentHasher::hash() const {
  return {high_, low_};
}

}  // namespace internal
}  // namespace retinaface
