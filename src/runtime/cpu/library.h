#pragma once

#include <cstdint>
#include <oneapi/dnnl/dnnl.hpp>

#include "graph/tensor.h"

namespace retinaface::runtime::cpu {

// oneDNN, as far as it is the same for all steps.

/// The CPU as oneDNN sees it; one for the whole process.
const dnnl::engine& library_engine();

/// Channels that are kept together: a vector register of floats.
std::int64_t channel_block();

dnnl::memory::data_type library_type(graph::DataType type);

}  // namespace retinaface::runtime::cpu
