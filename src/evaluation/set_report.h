#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <string>

#include "evaluation/annotated_truth.h"
#include "evaluation/coco_protocol.h"
#include "evaluation/wider_evaluation.h"
#include "evaluation/wider_source.h"

namespace retinaface::evaluation {

/// What a detector makes of a set of annotated images, by the two rules that people compare by.
struct SetReport {
  std::int64_t ignored = 0;  ///< faces that do not count
  WiderReport wider;         ///< all faces that count are in its hard subset
  CocoReport coco;
};

/// Judges what was found; the images that `found` lacks do not count.
SetReport judge_set(const AnnotatedTruth& annotated, const DetectionsByImage& found);

/// For people, in percent.
std::string format_report(const SetReport& report);

/// {"images", "faces", "ignored", "ap", "map", "recall" by WIDER's rule, "coco": {"ap", "ap_50",
/// "ap_75", "ap_small", "ap_medium", "ap_large", "ar_1", "ar_10", "ar_100"}, "heights"}: percent,
/// null where there are no faces.
nlohmann::json to_json(const SetReport& report);

}  // namespace retinaface::evaluation
