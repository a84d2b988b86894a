#pragma once

namespace retinaface::runtime {

/// The device that every machine has, its processor, as options call it.
inline constexpr const char* kProcessor = "cpu";

}  // namespace retinaface::runtime
