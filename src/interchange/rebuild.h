#pragma once

#include <string_view>

#include "interchange/pickle.h"

namespace retinaface::interchange {

// What the few globals that a checkpoint may name stand for. All throw Error with the reader's
// place; the values they return point into the values they are given.

/// What MODULE.NAME is: a Function or the ElementType of a storage class. Throws
/// Error(kUnsupported) that names any other.
Value known_global(std::string_view module, std::string_view name, const ByteReader& reader);

/// What the function would return for the arguments:
///   collections.OrderedDict([pairs])
///   torch._utils._rebuild_tensor[_v2](storage, offset, size, stride, ...)
///   torch._utils._rebuild_parameter(tensor, ...)
Value apply(const Value& function, const Value& arguments, const ByteReader& reader);

/// The storage that a persistent id stands for:
///   ("storage", class, key, location, elements[, None or (view key, first, elements)])
Value storage_of(const Value& persistent_id, const ByteReader& reader);

}  // namespace retinaface::interchange
