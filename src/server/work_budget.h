#pragma once

#include <algorithm>
#include <cstdint>
#include <limits>
#include <optional>

#include "image/codecs/stored_size.h"
#include "server/asked.h"
#include "server/service_options.h"

namespace retinaface::server {

/// What is left of what a request may cost, all its images together.
struct WorkBudget {
  /// What a second pass at a face costs (DetectOptions::turned).
  static constexpr std::int64_t kPixelsOfTurned = 164'000;
  /// A refined mesh or a vector takes some tens of milliseconds: so many times what others take.
  static constexpr int kSlow = 10;

  /// A damaged image whose size is unknown counts as such a part of all that may be decoded.
  static constexpr std::int64_t kDamagedShare = 64;

  std::int64_t pixels;          ///< to be decoded
  double resized_pixels;        ///< of what the network sees, by the asked scales
  std::int64_t damaged_pixels;  ///< what a damaged image of unknown size counts
  std::int64_t aligned_pixels;  ///< of faces that are cut out
  int described;                ///< faces with a mesh or figures of quality
  int turned;                   ///< faces that are looked at a second time

  explicit WorkBudget(const ServiceOptions& options)
      : pixels(options.max_pixels),
        resized_pixels(static_cast<double>(options.max_pixels)),
        damaged_pixels(options.max_pixels / kDamagedShare),
        aligned_pixels(options.max_pixels),
        described(options.max_described),
        turned(static_cast<int>(std::min<std::int64_t>(options.max_pixels / kPixelsOfTurned,
                                                       std::numeric_limits<int>::max() - 1))) {}

  /// How many faces an image may have; nothing where they cost nothing by themselves.
  std::optional<int> faces_for(const Asked& asked) const {
    std::optional<int> max;
    if (asked.describes()) max = described / cost_of_face(asked);
    if (asked.job.detect.turned) max = std::min(max.value_or(turned), turned);
    return max;
  }

  /// For an image that decoding stopped at, perhaps near its end.
  void take_damaged(const std::optional<StoredSize>& stated) {
    const std::int64_t worked =
        stated ? std::int64_t{stated->width} * stated->height : damaged_pixels;
    pixels -= std::min(pixels, worked);
  }

  void take(const Asked& asked, int faces) {
    if (asked.describes()) described -= faces * cost_of_face(asked);
    if (asked.job.detect.turned) turned -= faces;
  }

 private:
  static int cost_of_face(const Asked& asked) {
    return asked.embeds || asked.job.detect.refine_mesh ? kSlow : 1;
  }
};

}  // namespace retinaface::server
