#pragma once

#include "retinaface/tracker.h"

namespace retinaface::tracking {

// As the sources of tracking know them.
using retinaface::Tracker;
using retinaface::TrackerOptions;

}  // namespace retinaface::tracking
