#include "image/orientation.h"

#include <algorithm>
#include <memory>
#include <opencv2/core.hpp>
#include <string_view>
#include <vector>

#include <libexif/exif-data.h>

#include "base/check.h"
#include "image/matrix.h"

namespace retinaface {
namespace {

constexpr std::string_view kExifHeader("Exif\0\0", 6);

}  // namespace

int exif_orientation(std::span<const std::byte> exif) {
  std::vector<unsigned char> block(kExifHeader.begin(), kExifHeader.end());
  const auto* bytes = reinterpret_cast<const unsigned char*>(exif.data());
  const bool has_header = exif.size() >= kExifHeader.size() &&
                          std::equal(kExifHeader.begin(), kExifHeader.end(), bytes);
  block.insert(block.end(), bytes + (has_header ? kExifHeader.size() : 0), bytes + exif.size());

  const std::unique_ptr<ExifData, decltype(&exif_data_unref)> data(
      exif_data_new_from_data(block.data(), static_cast<unsigned>(block.size())), exif_data_unref);
  if (!data) return 1;
  const ExifEntry* entry = exif_content_get_entry(data->ifd[EXIF_IFD_0], EXIF_TAG_ORIENTATION);
  if (entry == nullptr || entry->format != EXIF_FORMAT_SHORT || entry->size < 2) return 1;
  const int orientation = exif_get_short(entry->data, exif_data_get_byte_order(data.get()));
  return orientation >= 1 && orientation <= 8 ? orientation : 1;
}

Image upright(Image stored, int orientation) {
  RF_CHECK(orientation >= 1 && orientation <= 8);
  if (orientation == 1 || stored.empty()) return stored;
  const bool turned = orientation >= 5;
  Image result =
      turned ? Image(stored.height(), stored.width()) : Image(stored.width(), stored.height());
  const cv::Mat from = matrix_of(stored);
  cv::Mat to = matrix_of(result);
  if (turned) cv::transpose(from, to);
  const cv::Mat& source = turned ? to : from;
  constexpr int kUpsideDown = 0;
  constexpr int kMirrored = 1;
  constexpr int kHalfTurn = -1;
  switch (orientation) {
    case 2:
      cv::flip(source, to, kMirrored);
      break;
    case 3:
      cv::flip(source, to, kHalfTurn);
      break;
    case 4:
      cv::flip(source, to, kUpsideDown);
      break;
    case 6:
      cv::flip(source, to, kMirrored);
      break;
    case 7:
      cv::flip(source, to, kHalfTurn);
      break;
    case 8:
      cv::flip(source, to, kUpsideDown);
      break;
    default:
      break;  // 5: transposed, as it is
  }
  return result;
}

}  // namespace retinaface
