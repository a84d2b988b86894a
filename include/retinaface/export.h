#pragma once

/// What the shared library shows to the outside; all else in it is hidden.
#define RETINAFACE_API __attribute__((visibility("default")))
