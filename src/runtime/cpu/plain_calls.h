#pragma once

#include <cstddef>
#include <cstdint>

#include "runtime/cpu/plan.h"

namespace retinaface::runtime::cpu {

// What neither oneDNN nor a kernel of our own does, by plain loops over maps in blocks of `block`
// channels.

void run_plain(const UpsampleCall& call, std::byte* arena, std::int64_t block);
void run_plain(const SoftmaxCall& call, std::byte* arena, std::int64_t block);
void run_plain(const PadCall& call, std::byte* arena, std::int64_t block);
void run_plain(const GridSampleCall& call, std::byte* arena, std::int64_t block);

}  // namespace retinaface::runtime::cpu
