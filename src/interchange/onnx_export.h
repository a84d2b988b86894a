#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "retinaface/detector.h"

#include "models/catalogue.h"
#include "models/load_model.h"

namespace retinaface::interchange {

/// What a file ends in that gives faces in the place of a network's maps.
struct OnnxFaces {
  float min_score = DetectOptions::kDefaultMinScore;
  float max_iou = DetectOptions::kDefaultNmsIou;
  std::int64_t max_faces = 1000;  ///< of an image
};

struct OnnxExportOptions {
  struct FixedInput {
    std::int64_t batch = 1;
    std::int64_t height = 0;
    std::int64_t width = 0;
  };
  std::optional<FixedInput> input = {};  ///< empty: any number of images, any size
  std::optional<OnnxFaces> faces = {};   ///< needs `input`
};

/// The model as the content of an .onnx file, of operator set 16. One input, "image" (N, 3, H, W):
/// what detection/preprocess makes of images, any number of them, of any height and width of at
/// least 1. One output a head, such as "cls" (N, A, 2), "box" (N, A, 4), "landmarks" (N, A, 10),
/// the maps of models::DetectorSpec as they are (logits, offsets), the anchors in the order of
/// detection::make_anchors. The model's metadata are the file's (doc/onnx.md).
///
/// With a fixed input the extents are numbers, and what would be computed of them when the network
/// runs is constant: no Shape, no Range, for readers that follow neither (OpenCV's, accelerators'
/// compilers).
///
/// With `faces` the outputs are faces in the place of the heads: "image_index" (F), of the batch,
/// "boxes" (F, 4), corners x0 y0 x1 y1 in pixels of the input, "scores" (F), "landmarks" (F, 5, 2),
/// and a head of other values by its name (F, values). They are what detection/decode makes of the
/// heads, after greedy suppression by ONNX's NonMaxSuppression: faces of one image by falling
/// score.
///
/// Nodes and parameters keep their names, and parameters their values bit for bit (of float16 and
/// bfloat16 as float32, which is exact): normalisation stays a node of its own, which runtimes fold
/// when they load the file.
std::string export_onnx(const models::LoadedModel& model, const OnnxExportOptions& options = {});

}  // namespace retinaface::interchange
