#pragma once

#include <atomic>

namespace retinaface {
inline namespace internal {

/// Whether the program has been asked to end, by Ctrl-C mostly: what may wait for ever gives up
/// then. Only a program sets it, in its handler of signals; it is lock-free. Where nobody handles
/// them, signals end the program as usual.
std::atomic<bool>& asked_to_end() noexcept;

}  // namespace internal
}  // namespace retinaface
