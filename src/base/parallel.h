#pragma once

#include <cstddef>
#include <functional>

namespace retinaface {
inline namespace internal {

/// Calls work(item, thread) once for each item of [0, count), by at most `threads` threads at once,
/// the caller's among them; `thread`, of [0, threads), is another number for each of them. Which
/// thread takes which item is left to chance: results that must not depend on it are kept by item.
/// What a call throws is thrown again here, once those under way have ended; further items are then
/// left out.
void for_each_item(int threads, std::size_t count,
                   const std::function<void(std::size_t item, std::size_t thread)>& work);

}  // namespace internal
}  // namespace retinaface
