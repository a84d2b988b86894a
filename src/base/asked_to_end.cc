#include "base/asked_to_end.h"

namespace retinaface {
inline namespace internal {
namespace {

constinit std::atomic<bool> is_asked{false};
static_assert(std::atomic<bool>::is_always_lock_free, "set in a signal handler");

}  // namespace

std::atomic<bool>& asked_to_end() noexcept {
  return is_asked;
}

}  // namespace internal
}  // namespace retinaface
