#include "cli/wider_source.h"

#include <utility>

#include <fmt/format.h>

#include "base/file.h"
#include "evaluation/wider_predictions.h"
#include "image/image_name.h"

namespace retinaface::cli {

using evaluation::DetectionSource;
using evaluation::WiderFiles;
using evaluation::WiderGroundTruth;

std::vector<std::size_t> images_of(const WiderFiles& files) {
  std::vector<std::size_t> images;
  images.reserve(files.by_image.size());
  for (const auto& [image, path] : files.by_image) images.push_back(image);
  return images;
}

WiderFiles find_wider_images(const WiderGroundTruth& truth, const std::string& folder) {
  return evaluation::find_wider_files(truth, folder, image_extensions());
}

WiderFiles find_wider_predictions(const WiderGroundTruth& truth, const std::string& folder) {
  static constexpr std::string_view kText[] = {".txt"};
  WiderFiles files = evaluation::find_wider_files(truth, folder, kText);
  if (files.unknown > 0) {
    fmt::print(stderr, "retinaface: {}: {} files belong to no image of the ground truth\n",
               printable(folder), files.unknown);
  }
  return files;
}

void report_missing(const std::string& folder, const WiderFiles& predictions,
                    const std::vector<std::size_t>& images) {
  std::size_t missing = 0;
  for (const std::size_t image : images) {
    missing += predictions.by_image.contains(image) ? 0 : 1;
  }
  if (missing == 0) return;
  fmt::print(stderr, "retinaface: {}: {} images without a file count as without detections\n",
             printable(folder), missing);
}

DetectionSource from_predictions(WiderFiles predictions) {
  return [files = std::move(predictions)](std::size_t image) {
    const auto file = files.by_image.find(image);
    return file == files.by_image.end() ? std::vector<evaluation::Detection>()
                                        : evaluation::read_wider_predictions(file->second);
  };
}

DetectionSource from_detector(Detector detector, const DetectionOptions& options,
                              WiderFiles images) {
  return [detector = std::move(detector), options, images = std::move(images)](std::size_t image) {
    return evaluation::to_wider(detect_in_file(detector, options, images.by_image.at(image)));
  };
}

}  // namespace retinaface::cli
