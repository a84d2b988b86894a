#include "evaluation/speed.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <memory>
#include <mutex>
#include <numbers>

#include "base/check.h"
#include "base/memory.h"
#include "base/multiply_add_peak.h"
#include "base/parallel.h"
#include "detection/detector_factory.h"
#include "detection/preprocess.h"
#include "graph/cost.h"
#include "image/codecs/write_options.h"
#include "image/resize.h"
#include "models/input_shape.h"
#include "runtime/backends/backends.h"

namespace retinaface::evaluation {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::size_t kMinRuns = 5;

double ms_since(Clock::time_point start) {
  return std::chrono::duration<double, std::milli>(Clock::now() - start).count();
}

/// Calls run() again and again, for at least `seconds`; the time of each.
template <typename Run>
std::vector<double> times_of(double seconds, Run&& run) {
  std::vector<double> times;
  for (const auto begin = Clock::now();
       ms_since(begin) < 1e3 * seconds || times.size() < kMinRuns;) {
    const auto start = Clock::now();
    run();
    times.push_back(ms_since(start));
  }
  return times;
}

/// What `threads` threads measure side by side, each given its number, all in one, each time as
/// that of one image.
template <typename Measure>
std::vector<double> side_by_side(int threads, Measure&& measure) {
  std::mutex mutex;
  std::vector<double> all;
  const auto count = static_cast<std::size_t>(threads);
  for_each_item(threads, count, [&](std::size_t item, std::size_t) {
    const std::vector<double> times = measure(item);
    const std::lock_guard lock(mutex);
    for (const double ms : times) all.push_back(ms / static_cast<double>(threads));
  });
  return all;
}

double measure_peak(const SpeedQuestion& question) {
  const auto peak = [&]() -> double {
    switch (question.type) {
      case graph::DataType::kBFloat16:
        return bfloat16_multiply_add_peak();
      case graph::DataType::kInt8:
        return int8_multiply_add_peak();
      default:
        return float32_multiply_add_peak();
    }
  };
  double sum = 0;
  // One after the other: on cores that others keep busy they would see only a part of a peak.
  for (int thread = 0; thread < question.threads; ++thread) sum += peak();
  return sum;
}

Spread measure_forward(const models::LoadedModel& model, const SpeedQuestion& question,
                       const Image& image, double seconds) {
  const auto network = runtime::backends().make(model.graph, model.weights, question.backend,
                                                {.type = question.type});
  const graph::Shape shape =
      models::input_shape(model.model->network, model.graph, image.width(), image.height());
  return spread_of(side_by_side(question.threads, [&](std::size_t) {
    const auto session = network->new_session();
    const models::Preprocessing& preprocessing = model.model->network.preprocessing;
    const PixelSource pixels = detection::pixel_source(image, preprocessing);
    if (session->run_on_pixels(pixels, shape.h, shape.w)) {
      return times_of(seconds, [&] { session->run_on_pixels(pixels, shape.h, shape.w); });
    }
    detection::preprocess(image, preprocessing, session->input(1, shape.h, shape.w).values(),
                          shape.w);
    session->run();
    return times_of(seconds, [&] { session->run(); });
  }));
}

void measure_call(const models::LoadedModel& model, const Image& image, double seconds,
                  Speed& speed) {
  const SpeedQuestion& question = speed.question;
  const Detector detector =
      detection::DetectorFactory::make(model, question.backend, {.type = question.type});
  const std::vector<std::byte> jpeg = encode_image("image.jpg", image);
  std::mutex mutex;
  detection::StageTimes sums;
  double decode_ms = 0;
  double total_ms = 0;
  speed.call = spread_of(side_by_side(question.threads, [&](std::size_t) {
    detection::StageTimes parts;
    double decoded_ms = 0;
    std::size_t faces = 0;
    const auto call = [&] {
      const auto start = Clock::now();
      const Image decoded = decode_image(jpeg);
      decoded_ms += ms_since(start);
      faces = detector.detect(decoded).size();
    };
    call();
    decoded_ms = 0;
    const detection::StageRecording recording(parts);
    std::vector<double> times = times_of(seconds, call);
    const std::lock_guard lock(mutex);
    sums.resize_ms += parts.resize_ms;
    sums.prepare_ms += parts.prepare_ms;
    sums.forward_ms += parts.forward_ms;
    sums.decode_ms += parts.decode_ms;
    sums.suppress_ms += parts.suppress_ms;
    decode_ms += decoded_ms;
    for (const double ms : times) total_ms += ms;
    speed.faces = faces;
    return times;
  }));
  const double factor = speed.call.median_ms / total_ms;
  speed.decode_image_ms = decode_ms * factor;
  speed.parts = {sums.resize_ms * factor, sums.prepare_ms * factor, sums.forward_ms * factor,
                 sums.decode_ms * factor, sums.suppress_ms * factor};
}

}  // namespace

Spread spread_of(std::vector<double> ms) {
  RF_CHECK(!ms.empty());
  std::ranges::sort(ms);
  const auto at = [&](std::size_t quarters) { return ms[(ms.size() - 1) * quarters / 4]; };
  return {ms.size(), ms.front(), at(1), at(2), at(3)};
}

Speed measure_speed(const models::LoadedModel& model, const SpeedQuestion& question,
                    const Image& image, double seconds) {
  const Image resized = resize(image, question.width, question.height);
  Speed speed;
  speed.question = question;
  speed.model = model.model->name;
  const bool counted = restart_peak_memory();
  speed.multiply_adds = static_cast<double>(
      graph::cost(model.graph, models::input_shape(model.model->network, model.graph,
                                                   question.width, question.height))
          .multiply_adds);
  speed.peak_per_s = measure_peak(question);
  speed.forward = measure_forward(model, question, resized, seconds);
  measure_call(model, resized, seconds, speed);
  if (counted) speed.peak_memory_bytes = peak_memory_bytes();
  return speed;
}

Image drawn_image(int width, int height) {
  Image image(width, height);
  const auto wave = [](double at, double waves) {
    return 0.5 + 0.5 * std::sin(2 * std::numbers::pi * waves * at);
  };
  for (int y = 0; y < height; ++y) {
    const double v = static_cast<double>(y) / height;
    for (int x = 0; x < width; ++x) {
      const double u = static_cast<double>(x) / width;
      std::uint8_t* const pixel = image.row(y) + 3 * x;
      pixel[0] = static_cast<std::uint8_t>(255 * wave(u, 3) * wave(v, 5));
      pixel[1] = static_cast<std::uint8_t>(255 * wave(u + v, 7));
      pixel[2] = static_cast<std::uint8_t>(255 * wave(u - v, 11) * wave(v, 2));
    }
  }
  return image;
}

}  // namespace retinaface::evaluation
