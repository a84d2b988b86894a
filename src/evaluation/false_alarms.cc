#include "evaluation/false_alarms.h"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <tuple>
#include <utility>

#include <fmt/format.h>

#include "base/file.h"
#include "dataset/annotated_image.h"
#include "image/convert.h"
#include "image/draw.h"
#include "image/resize.h"

namespace retinaface::evaluation {

std::vector<Detection> find_false_alarms(const WiderImage& image,
                                         std::span<const Detection> detections) {
  std::vector<Detection> alarms;
  std::ranges::copy_if(detections, std::back_inserter(alarms), [&](const Detection& detection) {
    return std::ranges::none_of(image.faces, [&](const WiderBox& face) {
      return wider_overlap(face, detection.box) >= kMinFaceOverlap;
    });
  });
  return alarms;
}

Image draw_false_alarm(const Image& image, const Detection& detection, int side_px) {
  constexpr Color kColor = {255, 50, 40};
  const WiderBox& box = detection.box;
  const double reach = std::max(box.width, box.height);
  const auto within = [](double value, int extent) {
    return static_cast<int>(std::lround(std::clamp(value, 0.0, static_cast<double>(extent))));
  };
  const int x0 = std::min(within(box.x + box.width / 2 - reach, image.width()), image.width() - 1);
  const int y0 =
      std::min(within(box.y + box.height / 2 - reach, image.height()), image.height() - 1);
  const int width = std::max(1, within(box.x + box.width / 2 + reach, image.width()) - x0);
  const int height = std::max(1, within(box.y + box.height / 2 + reach, image.height()) - y0);
  const double scale = static_cast<double>(side_px) / std::max(width, height);
  const auto scaled = [&](int length) {
    return std::max(1, static_cast<int>(std::lround(length * scale)));
  };
  Image drawn = resize(part_of(image, x0, y0, width, height), scaled(width), scaled(height));
  const auto at = [&](double value, int start) {
    return static_cast<float>((value - start) * scale);
  };
  draw_box(drawn,
           {at(box.x, x0), at(box.y, y0), at(box.x + box.width, x0), at(box.y + box.height, y0)},
           kColor);
  return drawn;
}

void FalseAlarms::add(std::size_t image, std::span<const Detection> detections) {
  const auto alarms = find_false_alarms(truth_.images[image], detections);
  const std::lock_guard lock(mutex_);
  detections_ += detections.size();
  for (const Detection& alarm : alarms) alarms_.push_back({image, alarm});
}

std::size_t FalseAlarms::count() const {
  const std::lock_guard lock(mutex_);
  return alarms_.size();
}

std::size_t FalseAlarms::detections() const {
  const std::lock_guard lock(mutex_);
  return detections_;
}

void FalseAlarms::draw(const std::filesystem::path& folder, const WiderFiles& images) const {
  const std::lock_guard lock(mutex_);
  std::vector<Alarm> alarms = alarms_;
  std::ranges::sort(alarms, [](const Alarm& a, const Alarm& b) {
    if (a.detection.score != b.detection.score) return a.detection.score > b.detection.score;
    return std::tie(a.image, a.detection.box.x) < std::tie(b.image, b.detection.box.x);
  });
  make_folders(folder);
  for (std::size_t i = 0; i < alarms.size(); ++i) {
    constexpr int kSide_px = 160;
    const Alarm& alarm = alarms[i];
    const Image image = dataset::read_annotated_image(images.by_image.at(alarm.image));
    write_image(folder / fmt::format("{:04}_{:.2f}_{}.png", i + 1, alarm.detection.score,
                                     truth_.images[alarm.image].name),
                draw_false_alarm(image, alarm.detection, kSide_px));
  }
}

DetectionSource telling(FalseAlarms& alarms, DetectionSource source) {
  return [&alarms, source = std::move(source)](std::size_t image) {
    auto detections = source(image);
    alarms.add(image, detections);
    return detections;
  };
}

}  // namespace retinaface::evaluation
