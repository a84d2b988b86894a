#pragma once

#include <functional>

#include "runtime/backend.h"

namespace retinaface::runtime {

/// The entry "compare": a network that runs two others on the same images, gives the outputs of the
/// first, and tells in Network::differences how far those of the second were from them at most, in
/// all runs of all its sessions. Its argument "A,B" names the two; without, they are the first and
/// the last backend of `registry` that can run the graph, itself left out: the fastest and the
/// oracle.
Backend compare_backend(std::function<const BackendRegistry&()> registry);

}  // namespace retinaface::runtime
