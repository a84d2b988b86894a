#pragma once

// For programs that use OpenCV; the library itself does not. Not part of retinaface.h.

#include <opencv2/core/mat.hpp>

#include "retinaface/error.h"
#include "retinaface/image.h"

namespace retinaface {

/// The pixels of a matrix as OpenCV holds images: CV_8UC1 gray, CV_8UC3 BGR, CV_8UC4 BGRA. The
/// matrix keeps owning them. Throws Error(kInvalidArgument) for another type. Not to be had of a
/// temporary, a matrix expression for example: the view would outlive the pixels.
inline ImageView view_of(const cv::Mat& matrix) {
  ImageView view{matrix.data, matrix.cols, matrix.rows, static_cast<std::ptrdiff_t>(matrix.step)};
  switch (matrix.type()) {
    case CV_8UC1:
      view.format = PixelFormat::kGray;
      return view;
    case CV_8UC3:
      view.format = PixelFormat::kBgr;
      return view;
    case CV_8UC4:
      view.format = PixelFormat::kBgra;
      return view;
    default:
      throw Error(ErrorCode::kInvalidArgument,
                  "matrix: expected CV_8UC1, CV_8UC3 or CV_8UC4, found type " +
                      std::to_string(matrix.type()));
  }
}
ImageView view_of(const cv::Mat&& matrix) = delete;

}  // namespace retinaface
