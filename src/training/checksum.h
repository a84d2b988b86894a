#pragma once

#include <cstdint>
#include <span>

#include "dataset/mesh_label.h"
#include "graph/weights.h"

namespace retinaface::training {

// What tells the inputs of a run from others in its checkpoint: CRC-32C of the parts in their
// order.

/// Of the tensors, a calibration's left out: what is trained or teaches is float32.
std::uint32_t checksum(const graph::Weights& weights);

std::uint32_t checksum(std::span<const dataset::MeshLabel> labels);

}  // namespace retinaface::training
