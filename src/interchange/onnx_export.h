#pragma once

#include <string>

#include "models/catalogue.h"
#include "models/load_model.h"

namespace retinaface::interchange {

/// The model as the content of an .onnx file, of operator set 16. One input, "image" (N, 3, H, W):
/// what detection/preprocess makes of images, any number of them, of any height and width of at
/// least 1. One output a head, such as "cls" (N, A, 2), "box" (N, A, 4), "landmarks" (N, A, 10),
/// the maps of models::DetectorSpec as they are (logits, offsets), the anchors in the order of
/// detection::make_anchors. The model's metadata are the file's (doc/onnx.md).
///
/// Nodes and parameters keep their names, and parameters their values bit for bit (of float16 and
/// bfloat16 as float32, which is exact): normalisation stays a node of its own, which runtimes fold
/// when they load the file.
std::string export_onnx(const models::LoadedModel& model);

}  // namespace retinaface::interchange
