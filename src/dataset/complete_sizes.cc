#include "dataset/complete_sizes.h"

#include <vector>

#include "retinaface/error.h"

#include "base/ordered_pipeline.h"
#include "image/codecs/stored_size.h"

namespace retinaface::dataset {

bool has_size(const AnnotatedImage& image) {
  return image.width > 0 && image.height > 0;
}

std::size_t complete_sizes(TrainingSet& set, int threads,
                           const std::function<void(const std::string& problem)>& report,
                           const std::function<void(std::size_t done, std::size_t of)>& progress) {
  struct Size {
    int width = 0;
    int height = 0;
    std::string problem = {};
  };
  std::vector<AnnotatedImage*> unknown;
  for (AnnotatedImage& image : set.annotations) {
    if (!has_size(image)) unknown.push_back(&image);
  }
  std::size_t failed = 0;
  std::size_t done = 0;
  run_over(
      threads, unknown.size(),
      [&](std::size_t i) -> Size {
        try {
          const StoredSize size = stored_size(set.images / unknown[i]->path);
          return {size.width, size.height};
        } catch (const Error& error) {
          return {.problem = error.what()};
        }
      },
      [&](const Size& size) {
        if (size.problem.empty()) {
          unknown[done]->width = size.width;
          unknown[done]->height = size.height;
        } else {
          ++failed;
          report(size.problem);
        }
        ++done;
        if (progress) progress(done, unknown.size());
      });
  return failed;
}

}  // namespace retinaface::dataset
