#include "base/content_hash.h"

#include <fstream>
#include <vector>

#include "base/check.h"
#include "base/file.h"

namespace retinaface {
inline namespace internal {
namespace {

using Wide = __uint128_t;

}  // namespace

std::string digits_of(const ContentHash& hash) {
  return fmt::format("{:016x}{:016x}", hash.high, hash.low);
}

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

ContentHash hash_of_file(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  ContentHasher hasher;
  std::vector<char> part(std::size_t{1} << 20);
  while (file) {
    file.read(part.data(), std::ssize(part));
    hasher.add(std::as_bytes(std::span(part).first(static_cast<std::size_t>(file.gcount()))));
  }
  if (!file.eof()) fail(ErrorCode::kUnreadable, "{}: cannot be read", printable(path));
  return hasher.hash();
}

}  // namespace internal
}  // namespace retinaface
