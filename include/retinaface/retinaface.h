#pragma once

// The whole public interface.
#include "retinaface/alignment.h"
#include "retinaface/array_view.h"
#include "retinaface/blur.h"
#include "retinaface/detector.h"
#include "retinaface/error.h"
#include "retinaface/face.h"
#include "retinaface/face_quality.h"
#include "retinaface/geometry.h"
#include "retinaface/image.h"
#include "retinaface/mesh.h"
#include "retinaface/model_info.h"
#include "retinaface/recognizer.h"
#include "retinaface/tracker.h"
#include "retinaface/version.h"
#include "retinaface/video.h"
