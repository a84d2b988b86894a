#include "cli/wider_source.h"

#include <utility>

#include <fmt/format.h>

#include "base/file.h"
#include "evaluation/wider_predictions.h"

namespace retinaface::cli {

using evaluation::DetectionSource;
using evaluation::WiderFiles;
using evaluation::WiderGroundTruth;

std::vector<std::size_t> pictures_of(const WiderFiles& files) {
  std::vector<std::size_t> pictures;
  pictures.reserve(files.by_picture.size());
  for (const auto& [picture, path] : files.by_picture) pictures.push_back(picture);
  return pictures;
}

WiderFiles find_wider_images(const WiderGroundTruth& truth, const std::string& folder) {
  return evaluation::find_wider_files(truth, folder, picture_extensions());
}

WiderFiles find_wider_predictions(const WiderGroundTruth& truth, const std::string& folder) {
  static constexpr std::string_view kText[] = {".txt"};
  WiderFiles files = evaluation::find_wider_files(truth, folder, kText);
  if (files.unknown > 0) {
    fmt::print(stderr, "retinaface: {}: {} files belong to no picture of the ground truth\n",
               printable(folder), files.unknown);
  }
  return files;
}

void report_missing(const std::string& folder, const WiderFiles& predictions,
                    const std::vector<std::size_t>& pictures) {
  std::size_t missing = 0;
  for (const std::size_t picture : pictures) {
    missing += predictions.by_picture.contains(picture) ? 0 : 1;
  }
  if (missing == 0) return;
  fmt::print(stderr, "retinaface: {}: {} pictures without a file count as without detections\n",
             printable(folder), missing);
}

DetectionSource from_predictions(WiderFiles predictions) {
  return [files = std::move(predictions)](std::size_t picture) {
    const auto file = files.by_picture.find(picture);
    return file == files.by_picture.end() ? std::vector<evaluation::Detection>()
                                          : evaluation::read_wider_predictions(file->second);
  };
}

DetectionSource from_model(const std::string& model, const DetectorOptions& options,
                           WiderFiles images) {
  return [detector = model.empty() ? Detector() : Detector(model), options,
          images = std::move(images)](std::size_t picture) {
    return evaluation::to_wider(detect_in_file(detector, options, images.by_picture.at(picture)));
  };
}

}  // namespace retinaface::cli
