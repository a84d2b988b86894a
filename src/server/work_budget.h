#pragma once

#include <algorithm>
#include <cstdint>
#include <limits>
#include <optional>

#include "server/asked.h"
#include "server/service_options.h"

namespace retinaface::server {

/// What is left of what a request may cost, all its images together.
struct WorkBudget {
  /// What a second pass at a face costs (DetectOptions::turned).
  static constexpr std::int64_t kPixelsOfTurned = 65'000;
  /// A refined mesh or a vector takes some tens of milliseconds: so many times what others take.
  static constexpr int kSlow = 10;

  std::int64_t pixels;          ///< to be decoded
  std::int64_t aligned_pixels;  ///< of faces that are cut out
  int described;                ///< faces with a mesh or figures of quality
  int turned;                   ///< faces that are looked at a second time

  explicit WorkBudget(const ServiceOptions& options)
      : pixels(options.max_pixels),
        aligned_pixels(options.max_pixels),
        described(options.max_described),
        turned(static_cast<int>(std::min<std::int64_t>(options.max_pixels / kPixelsOfTurned,
                                                       std::numeric_limits<int>::max() - 1))) {}

  /// How many faces an image may have; nothing where they cost nothing by themselves.
  std::optional<int> faces_for(const Asked& asked) const {
    std::optional<int> max;
    if (asked.describes()) max = described / cost_of_face(asked);
    if (asked.job.selection.detect.turned) max = std::min(max.value_or(turned), turned);
    return max;
  }

  void take(const Asked& asked, int faces) {
    if (asked.describes()) described -= faces * cost_of_face(asked);
    if (asked.job.selection.detect.turned) turned -= faces;
  }

 private:
  static int cost_of_face(const Asked& asked) {
    return asked.embeds || asked.job.selection.detect.refine_mesh ? kSlow : 1;
  }
};

}  // namespace retinaface::server
