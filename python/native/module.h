#pragma once

#include <nanobind/nanobind.h>

namespace retinaface::python {

// What each file adds to the module.
void add_errors(nanobind::module_& module);
void add_detection(nanobind::module_& module);
void add_images(nanobind::module_& module);
void add_recognition(nanobind::module_& module);
void add_videos(nanobind::module_& module);

}  // namespace retinaface::python
