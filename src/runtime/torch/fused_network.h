#pragma once

#include "runtime/backend.h"

namespace retinaface::runtime {

/// Training on CPUs: the graph is walked forwards and back by steps of our own, of which libtorch
/// does the convolutions. Uses `set_threads` threads. No autograd: the derivative of each operator
/// stands in fused_network.cc, in a visitor that an operator without one does not compile with, and
/// it is compared with autograd's (runtime/autograd).
Backend fused_backend();

}  // namespace retinaface::runtime
