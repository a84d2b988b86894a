#include "models/detector_spec.h"

#include <algorithm>

#include "base/check.h"

namespace retinaface::models {

bool is_encodable(const DetectorSpec& detector) {
  const AnchorFamily& anchors = detector.anchors;
  return anchors.boxes == BoxCoding::kCenterAndSize && !anchors.in_strides &&
         anchors.cell_center == 0.5F &&
         std::ranges::count_if(detector.heads, [](const Head& head) {
           return head.meaning == HeadMeaning::kScore && head.values == 2;
         }) == 1;
}

std::vector<std::vector<std::size_t>> head_outputs(const graph::Graph& graph,
                                                   const DetectorSpec& detector) {
  std::vector<std::vector<std::size_t>> outputs(detector.anchors.levels.size());
  for (std::size_t level = 0; level < outputs.size(); ++level) {
    for (const Head& head : detector.heads) {
      const int index = graph.find_output(output_name(head, level));
      RF_CHECK(index >= 0);
      outputs[level].push_back(static_cast<std::size_t>(index));
    }
  }
  return outputs;
}

}  // namespace retinaface::models
