// Where the time of one image goes, on one thread: preprocessing, forward pass, decoding,
// suppression. The crowd is the image, repeated until it fills the size.
// Usage: bench_detect IMAGE [WIDTHxHEIGHT] [MIN_SCORE] [RUNS]
//   -> one JSON line, medians in ms

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "detection/decode.h"
#include "detection/nms.h"
#include "detection/preprocess.h"
#include "image_arguments.h"
#include "models/catalogue.h"
#include "models/load_model.h"
#include "runtime/backends/backends.h"

namespace {

using namespace retinaface;
using Clock = std::chrono::steady_clock;

Image repeated(const Image& image, int width, int height) {
  Image result(width, height);
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) {
      std::memcpy(result.row(y) + 3 * x, image.row(y % image.height()) + 3 * (x % image.width()),
                  3);
    }
  }
  return result;
}

double median(std::vector<double>& values) {
  std::ranges::nth_element(values, values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2));
  return values[values.size() / 2];
}

std::vector<detection::HeadMaps> head_maps(const models::LoadedModel& model,
                                           const runtime::Session& session) {
  std::vector<detection::HeadMaps> maps;
  for (const auto& level : models::head_outputs(model.graph, model.model->detector())) {
    detection::HeadMaps& heads = maps.emplace_back();
    for (const std::size_t output : level) heads.push_back(session.output(output));
  }
  return maps;
}

void measure(const std::string& path, int width, int height, float min_score, int runs) {
  const Image image = repeated(read_image(path), width, height);
  const models::LoadedModel model = models::load_builtin_model(models::kDefaultModel);
  const auto network = runtime::backends().make(model.graph, model.weights);
  const auto session = network->new_session();

  constexpr float kMaxIou = 0.4F;
  std::array<std::vector<double>, 4> times;
  std::size_t candidates = 0;
  std::vector<Face> faces;
  for (int run = 0; run < runs; ++run) {
    std::array<Clock::time_point, 5> at;
    faces.clear();
    at[0] = Clock::now();
    detection::preprocess(image, model.model->network.preprocessing,
                          session->input(1, height, width).values());
    at[1] = Clock::now();
    session->run();
    at[2] = Clock::now();
    detection::decode(head_maps(model, *session), model.model->detector().anchors,
                      model.model->detector().heads, min_score, faces);
    candidates = faces.size();
    at[3] = Clock::now();
    detection::sort_by_score(faces);
    detection::suppress_overlaps(faces, kMaxIou);
    at[4] = Clock::now();
    for (std::size_t i = 0; i < times.size(); ++i) {
      times[i].push_back(std::chrono::duration<double, std::milli>(at[i + 1] - at[i]).count());
    }
  }
  const double forward = median(times[1]);
  const double decode = median(times[2]);
  const double nms = median(times[3]);
  fmt::print(
      "{{\"width\": {}, \"height\": {}, \"min_score\": {}, \"runs\": {}, \"candidates\": {}, "
      "\"faces\": {}, \"preprocess_ms\": {:.3f}, \"forward_ms\": {:.3f}, \"decode_ms\": {:.3f}, "
      "\"nms_ms\": {:.3f}, \"decode_and_nms_share\": {:.4f}}}\n",
      width, height, min_score, runs, candidates, faces.size(), median(times[0]), forward, decode,
      nms, (decode + nms) / forward);
}

}  // namespace

int main(int argc, char** argv) {
  return benchmarks::run_on_image(
      argc, argv, "bench_detect IMAGE [WIDTHxHEIGHT] [MIN_SCORE] [RUNS]", "4096x2160",
      [](const benchmarks::ImageArguments& given) {
        const float min_score = std::strtof(given.argument(0, "0.02").c_str(), nullptr);
        const int runs = std::atoi(given.argument(1, "15").c_str());
        if (runs < 1) return false;
        measure(given.image, given.width, given.height, min_score, runs);
        return true;
      });
}
