#include "image/codecs/stored_size.h"

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include <turbojpeg.h>
#include <webp/decode.h>

#include "retinaface/image.h"

#include "base/file.h"
#include "base/plain_file.h"
#include "image/codecs/encoded_size.h"

namespace retinaface {
namespace {

using Bytes = std::span<const std::byte>;

const std::uint8_t* octets(Bytes bytes) {
  return reinterpret_cast<const std::uint8_t*>(bytes.data());
}

std::optional<StoredSize> size_of_jpeg(Bytes bytes) {
  constexpr std::byte kStart[] = {std::byte{0xFF}, std::byte{0xD8}};
  if (bytes.size() < 2 || bytes[0] != kStart[0] || bytes[1] != kStart[1]) return std::nullopt;
  const std::unique_ptr<void, int (*)(void*)> decoder(tjInitDecompress(), &tjDestroy);
  StoredSize size;
  int subsampling = 0;
  int colors = 0;
  if (decoder == nullptr ||
      tjDecompressHeader3(decoder.get(), octets(bytes), bytes.size(), &size.width, &size.height,
                          &subsampling, &colors) != 0) {
    return std::nullopt;
  }
  return size;
}

/// The first chunk, which has a fixed place, begins with the sides (PNG specification, 11.2.2).
std::optional<StoredSize> size_of_png(Bytes bytes) {
  constexpr std::uint8_t kStart[] = {0x89, 'P', 'N', 'G', '\r', '\n', 0x1A, '\n',
                                     0,    0,   0,   13,  'I',  'H',  'D',  'R'};
  constexpr std::size_t kWidthAt = sizeof(kStart);
  if (bytes.size() < kWidthAt + 8 || std::memcmp(bytes.data(), kStart, sizeof(kStart)) != 0) {
    return std::nullopt;
  }
  const auto number = [&](std::size_t at) {
    std::uint32_t value = 0;
    for (std::size_t i = 0; i < 4; ++i) value = value << 8 | octets(bytes)[at + i];
    return value;
  };
  const std::uint32_t width = number(kWidthAt);
  const std::uint32_t height = number(kWidthAt + 4);
  constexpr std::uint32_t kMaxSide = 1U << 30;
  if (width == 0 || height == 0 || width > kMaxSide || height > kMaxSide) return std::nullopt;
  return StoredSize{static_cast<int>(width), static_cast<int>(height)};
}

std::optional<StoredSize> size_of_webp(Bytes bytes) {
  StoredSize size;
  if (WebPGetInfo(octets(bytes), bytes.size(), &size.width, &size.height) == 0) return std::nullopt;
  return size;
}

}  // namespace

std::optional<StoredSize> internal::stated_size(std::span<const std::byte> encoded) {
  for (const auto size_of : {size_of_jpeg, size_of_png, size_of_webp}) {
    if (const auto size = size_of(encoded)) return size;
  }
  return std::nullopt;
}

StoredSize internal::stored_size(const std::filesystem::path& path) {
  const ReadOptions options = {.apply_orientation = false};
  expect_plain_file(path);
  const std::vector<std::byte> content = read_image_file(path, options.max_pixels);
  if (const auto size = stated_size(content)) return *size;
  const Image image = decode_image(content, options, printable(path));
  return {image.width(), image.height()};
}

}  // namespace retinaface
