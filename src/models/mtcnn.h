#pragma once

#include "models/catalogue.h"

namespace retinaface::models {

/// MTCNN (Zhang et al. 2016), the detector whose points ArcFace's images were aligned by: P-Net on
/// windows of 12 px, then R-Net on 24 px and O-Net on 48 px. It takes RGB less 127.5; the public
/// networks' further division by 128 is left to their first layers' weights. No row of the
/// catalogue: training knows anchors alone.
Model mtcnn();

}  // namespace retinaface::models
