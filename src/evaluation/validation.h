#pragma once

#include <cstddef>
#include <filesystem>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "retinaface/detector.h"

#include "dataset/annotation.h"
#include "dataset/category.h"
#include "dataset/loader.h"
#include "evaluation/metrics.h"
#include "evaluation/wider_ground_truth.h"

namespace retinaface::evaluation {

/// Images with the faces that are in them, for judging weights while they are trained.
class ValidationSet {
 public:
  /// A folder with WIDER FACE's images/ and, beside the folder, ground_truth/ with its files; or
  /// annotations as dataset::read_training_set takes them. Throws Error as reading those does.
  explicit ValidationSet(const std::filesystem::path& path,
                         const dataset::ChosenCategories& categories = {});

  /// AP in percent at original size: "ap" over all faces that are not ignored; with WIDER FACE's
  /// ground truth "easy", "medium" and "hard", whose mean, which decides, comes first. Images that
  /// cannot be read are left out, and told to `report_problem`, one call at a time.
  Metrics judge(const Detector& detector, int threads,
                const std::function<void(const std::string& problem)>& report_problem) const;

  /// An image's file and the faces that are in it.
  struct Example {
    std::filesystem::path file;
    WiderImage image;
  };
  /// Some of the images, spread over the set.
  std::vector<Example> examples(std::size_t count) const;

 private:
  void read_annotations(const std::filesystem::path& path,
                        const dataset::ChosenCategories& categories);
  void read_wider(const std::filesystem::path& images, const std::filesystem::path& ground_truth);

  WiderGroundTruth truth_;
  std::map<std::size_t, std::filesystem::path> images_;  ///< by index in the ground truth
  bool subsets_ = false;                                 ///< easy, medium and hard differ
  std::vector<dataset::LeftOutImage> left_out_;
};

}  // namespace retinaface::evaluation
