#include "evaluation/wider_source.h"

#include <algorithm>
#include <mutex>
#include <utility>

#include "retinaface/error.h"

#include "base/check.h"
#include "base/parallel.h"
#include "evaluation/wider_predictions.h"
#include "image/codecs/image_name.h"

namespace retinaface::evaluation {

std::vector<std::size_t> images_of(const WiderFiles& files) {
  std::vector<std::size_t> images;
  images.reserve(files.by_image.size());
  for (const auto& [image, path] : files.by_image) images.push_back(image);
  return images;
}

WiderFiles find_wider_images(const WiderGroundTruth& truth, const std::filesystem::path& folder) {
  return find_wider_files(truth, folder, image_extensions());
}

WiderFiles find_wider_predictions(const WiderGroundTruth& truth,
                                  const std::filesystem::path& folder) {
  static constexpr std::string_view kText[] = {".txt"};
  return find_wider_files(truth, folder, kText);
}

std::vector<std::size_t> common_images(std::span<const WiderFiles* const> folders) {
  RF_CHECK(!folders.empty());
  std::vector<std::size_t> common = images_of(*folders.front());
  std::erase_if(common, [&](std::size_t image) {
    return std::ranges::any_of(
        folders, [&](const WiderFiles* folder) { return !folder->by_image.contains(image); });
  });
  if (common.empty()) {
    fail(ErrorCode::kBadData, "evaluate compare: no image has predictions in all {} folders",
         folders.size());
  }
  return common;
}

std::size_t count_missing(const WiderFiles& files, const std::vector<std::size_t>& images) {
  std::size_t missing = 0;
  for (const std::size_t image : images) missing += files.by_image.contains(image) ? 0 : 1;
  return missing;
}

DetectionSource from_predictions(WiderFiles predictions) {
  return [files = std::move(predictions)](std::size_t image) {
    const auto file = files.by_image.find(image);
    return file == files.by_image.end() ? std::vector<Detection>()
                                        : read_wider_predictions(file->second);
  };
}

DetectionSource from_detector(Detector detector, DetectionMode mode, DetectOptions options,
                              WiderFiles images) {
  return [detector = std::move(detector), mode, options = std::move(options),
          images = std::move(images)](std::size_t image) {
    return to_wider(detect_in_file(detector, images.by_image.at(image), mode, options));
  };
}

DetectionsByImage detections_of(const DetectionSource& source, std::span<const std::size_t> images,
                                int threads, const Progress& progress,
                                const std::function<void(const std::string& problem)>& report) {
  DetectionsByImage found;
  std::mutex mutex;
  std::size_t done = 0;
  for_each_item(threads, images.size(), [&](std::size_t i, std::size_t) {
    std::vector<Detection> detections;
    std::string problem;
    try {
      detections = source(images[i]);
    } catch (const Error& error) {
      problem = error.what();
    }
    const std::lock_guard lock(mutex);
    if (problem.empty()) {
      found.emplace(images[i], std::move(detections));
    } else {
      report(problem);
    }
    ++done;
    if (progress) progress(done, images.size());
  });
  return found;
}

std::vector<ImageMatches> match_detections(const WiderGroundTruth& truth,
                                           const DetectionsByImage& detections) {
  std::vector<std::size_t> images;
  for (const auto& [image, found] : detections) images.push_back(image);
  return match_images(truth, images, [&](std::size_t image) { return detections.at(image); });
}

}  // namespace retinaface::evaluation
