#pragma once

// The whole public interface.
#include "retinaface/alignment.h"
#include "retinaface/detector.h"
#include "retinaface/error.h"
#include "retinaface/geometry.h"
#include "retinaface/image.h"
#include "retinaface/version.h"
