#include "image/composite.h"

#include <algorithm>
#include <cstddef>

#include "base/check.h"

namespace retinaface {
inline namespace internal {
namespace {

using Color = std::array<std::uint8_t, 3>;

std::uint8_t mixed(int color, int alpha, int background) {
  return static_cast<std::uint8_t>((color * alpha + background * (255 - alpha) + 127) / 255);
}

/// Whether there is something that cannot be told from the background.
bool is_hidden(const Image& image, std::span<const std::uint8_t> alpha, const Color& background) {
  bool is_empty = true;
  const std::uint8_t* color = image.row(0);
  for (const std::uint8_t opacity : alpha) {
    for (std::size_t c = 0; c < background.size(); ++c) {
      if (mixed(color[c], opacity, background[c]) != background[c]) return false;
    }
    color += background.size();
    is_empty = is_empty && opacity == 0;
  }
  return !is_empty;
}

}  // namespace

void composite(Image& image, std::span<const std::uint8_t> alpha, const Color& background) {
  if (alpha.empty()) return;
  RF_CHECK(alpha.size() ==
           static_cast<std::size_t>(image.width()) * static_cast<std::size_t>(image.height()));
  Color behind = background;
  const auto opposite = [](std::uint8_t value) { return static_cast<std::uint8_t>(255 - value); };
  if (is_hidden(image, alpha, behind)) std::ranges::transform(behind, behind.begin(), opposite);
  std::uint8_t* color = image.row(0);
  for (const std::uint8_t opacity : alpha) {
    for (std::size_t c = 0; c < behind.size(); ++c, ++color) {
      *color = mixed(*color, opacity, behind[c]);
    }
  }
}

}  // namespace internal
}  // namespace retinaface
