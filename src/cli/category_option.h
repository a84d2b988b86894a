#pragma once

#include <CLI/App.hpp>

#include "dataset/category.h"

namespace retinaface::cli {

/// Adds --category, which may be given several times.
inline void add_category_option(CLI::App& app, dataset::ChosenCategories& chosen) {
  app.add_option("--category", chosen,
                 "of COCO, VOC and YOLO annotations with several categories: name or id of the one "
                 "that is faces; give it again for several (default: those named face)")
      ->allow_extra_args(false);
}

}  // namespace retinaface::cli
