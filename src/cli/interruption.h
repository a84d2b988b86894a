#pragma once

#include <atomic>

namespace retinaface::cli {

/// From now on the first Ctrl-C (SIGINT), SIGTERM or, unless it is ignored, SIGHUP only makes the
/// result true, so that what is under way can be finished; the second ends the program as usual.
const std::atomic<bool>& end_cleanly_when_interrupted();

/// What a shell expects of a program that ended so.
inline constexpr int kInterrupted = 130;

}  // namespace retinaface::cli
