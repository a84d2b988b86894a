#include "evaluation/wider_source.h"

#include <utility>

#include "evaluation/wider_predictions.h"
#include "image/image_name.h"

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

}  // namespace retinaface::evaluation
