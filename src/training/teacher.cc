#include "training/teacher.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <map>
#include <numeric>
#include <utility>

#include "base/check.h"
#include "base/parallel.h"
#include "detection/anchors.h"
#include "detection/preprocess.h"
#include "detection/voting.h"
#include "models/load_model.h"
#include "runtime/backends/backends.h"
#include "runtime/runtime.h"
#include "runtime/training_backends/training_backends.h"
#include "training/checksum.h"

namespace retinaface::training {
namespace {

/// Writes a map as rows of all its channels, cell by cell.
void copy_map(const runtime::FeatureMap& map, std::span<float> target) {
  RF_CHECK(target.size() == static_cast<std::size_t>(map.channels * map.cells()));
  for (std::int64_t c = 0; c < map.channels; ++c) {
    const float* const channel = map.channel(c);
    float* const to = target.data() + c;
    for (std::int64_t i = 0; i < map.cells(); ++i) to[i * map.channels] = channel[i * map.block];
  }
}

/// Takes the mean of a head's values on a level and of those of the images in a mirror: both of the
/// same images, one after the other, rows of `anchors` anchors, cell by cell.
void average_mirrored(const models::Head& head, std::size_t anchors, std::int64_t grid_width,
                      std::span<const float> mirrored, std::span<float> values) {
  RF_CHECK(mirrored.size() == values.size());
  const auto width = static_cast<std::size_t>(head.values);
  const std::size_t row = anchors * width;
  const auto cells = static_cast<std::int64_t>(values.size() / row);
  for (std::int64_t i = 0; i < cells; ++i) {
    const std::int64_t twin = i + grid_width - 1 - 2 * (i % grid_width);
    for (std::size_t c = 0; c < row; ++c) {
      const std::size_t value = c % width;
      const models::MirroredValue reflection =
          head.mirrored.empty() ? models::MirroredValue{value, 1} : head.mirrored[value];
      float& mean = values[static_cast<std::size_t>(i) * row + c];
      mean = (mean +
              reflection.factor *
                  mirrored[static_cast<std::size_t>(twin) * row + c - value + reflection.index]) /
             2;
    }
  }
}

}  // namespace

/// What computes a teacher's maps.
class Teacher::Runner {
 public:
  using Take =
      std::function<void(std::size_t image, std::size_t output, const runtime::FeatureMap&)>;

  virtual ~Runner() = default;
  /// Hands on the outputs number `outputs` of all images, which are of one size; images by several
  /// threads at once.
  virtual void run(std::span<const ImageView> images, std::span<const std::size_t> outputs,
                   const Take& take) = 0;
};

/// The detectors' runtime: each thread works on images of its own.
class Teacher::SessionRunner final : public Teacher::Runner {
 public:
  SessionRunner(const models::LoadedModel& loaded, int threads)
      : preprocessing_(loaded.model->network.preprocessing),
        network_(runtime::backends().make(loaded.graph, loaded.weights)) {
    for (int i = 0; i < threads; ++i) sessions_.push_back(network_->new_session());
  }

  void run(std::span<const ImageView> images, std::span<const std::size_t> outputs,
           const Take& take) override {
    const auto run_one = [&](std::size_t image, std::size_t thread) {
      runtime::Session& session = *sessions_[thread];
      const ImageView view = images[image];
      detection::preprocess(view, preprocessing_,
                            session.input(1, view.height, view.width).values());
      session.run();
      for (const std::size_t output : outputs) take(image, output, session.output(output));
    };
    for_each_item(static_cast<int>(sessions_.size()), images.size(), run_one);
  }

 private:
  models::Preprocessing preprocessing_;
  std::shared_ptr<const runtime::Network> network_;
  std::vector<std::unique_ptr<runtime::Session>> sessions_;  ///< of the threads
};

/// A training engine's network, all of it frozen.
class Teacher::NetworkRunner final : public Teacher::Runner {
 public:
  NetworkRunner(const models::LoadedModel& loaded, const Engine& engine, graph::DataType type,
                int threads)
      : preprocessing_(loaded.model->network.preprocessing),
        network_(make_network(engine, loaded.graph, loaded.weights,
                              {.type = type, .frozen = {""}, .frozen_statistics = true})),
        threads_(threads) {}

  void run(std::span<const ImageView> images, std::span<const std::size_t> outputs,
           const Take& take) override {
    const std::span<float> input = network_->input(static_cast<std::int64_t>(images.size()),
                                                   images.front().height, images.front().width);
    const std::size_t share = input.size() / images.size();
    for_each_item(threads_, images.size(), [&](std::size_t n, std::size_t) {
      detection::preprocess_interleaved(images[n], preprocessing_, input.subspan(n * share, share));
    });
    network_->forward();
    for (const std::size_t output : outputs) {
      const runtime::OutputBatch batch = network_->output(output);
      for_each_item(threads_, images.size(), [&](std::size_t n, std::size_t) {
        const std::size_t size = batch.size() / images.size();
        take(n, output,
             {.data = batch.data + n * size,
              .channels = batch.c,
              .height = batch.h,
              .width = batch.w,
              .block = batch.c});
      });
    }
  }

 private:
  models::Preprocessing preprocessing_;
  std::unique_ptr<runtime::TrainableNetwork> network_;
  int threads_;
};

Teacher::Teacher(const models::LoadedModel& loaded, const models::Model& student,
                 const std::string& source, int threads, TeacherOptions options,
                 const Engine& engine, graph::DataType type)
    : detector_(loaded.model->detector()),
      coding_(*loaded.model, student, source),
      options_(std::move(options)),
      threads_(threads),
      outputs_(models::head_outputs(loaded.graph, detector_)),
      description_(fmt::format("{} {:08x}", loaded.model->name, checksum(loaded.weights))) {
  if (options_.levels.empty()) {
    options_.levels.resize(outputs_.size());
    std::iota(options_.levels.begin(), options_.levels.end(), std::size_t{0});
  }
  for (const auto& [name, tensor] : loaded.weights.tensors) {
    const graph::Tensor numbers = graph::as_float32(tensor);
    if (!std::ranges::all_of(numbers.values(), [](float value) { return std::isfinite(value); })) {
      fail(ErrorCode::kBadData, "{}: expected finite weights, {} has others", source, name);
    }
  }
  if (&runtime::training_backends().trainer(engine.backend, engine.device) ==
      &runtime::training_backends().trainer({})) {
    runner_ = std::make_unique<SessionRunner>(loaded, threads);
  } else {
    runner_ = std::make_unique<NetworkRunner>(loaded, engine, type, threads);
  }
}

Teacher::~Teacher() = default;

TeacherOutputs Teacher::recoded(const TeacherOutputs& outputs, std::int64_t height,
                                std::int64_t width) const {
  const std::size_t levels = options_.levels.size();
  TeacherOutputs result(outputs.size(), std::vector<std::vector<float>>(outputs_.size()));
  for_each_item(threads_, outputs.size() * levels, [&](std::size_t i, std::size_t) {
    const std::size_t h = i / levels;
    const std::size_t level = options_.levels[i % levels];
    const detection::Grid grid = detection::grid_of(detector_.anchors.levels[level], height, width);
    result[h][level] = coding_.recode(level, grid, h, outputs[h][level]);
  });
  return result;
}

void Teacher::rescale_scores(TeacherOutputs& outputs) const {
  if (options_.score_factor == 1 && options_.score_shift == 0) return;
  for (std::vector<float>& logits : outputs[models::score_head(detector_.heads)]) {
    for (std::size_t i = 0; i < logits.size(); i += 2) {
      logits[i + 1] = options_.score_factor * (logits[i + 1] - logits[i]) + options_.score_shift;
      logits[i] = 0;
    }
  }
}

TeacherOutputs Teacher::predict(std::span<const dataset::Sample> samples) {
  std::vector<ImageView> images;
  for (const dataset::Sample& sample : samples) {
    images.emplace_back(sample.clear.empty() ? sample.image : sample.clear);
  }
  TeacherOutputs outputs = seen(images);
  if (options_.mirrored) {
    std::vector<Image> reflections(images.size());
    for_each_item(threads_, images.size(), [&](std::size_t n, std::size_t) {
      reflections[n] = detection::mirrored(images[n]);
    });
    average_mirrored(seen({reflections.begin(), reflections.end()}), images.front().width, outputs);
  }
  rescale_scores(outputs);
  return outputs;
}

void Teacher::average_mirrored(const TeacherOutputs& mirrored, std::int64_t width,
                               TeacherOutputs& outputs) const {
  const models::DetectorSpec& student = coding_.student();
  const std::size_t levels = options_.levels.size();
  for_each_item(threads_, outputs.size() * levels, [&](std::size_t i, std::size_t) {
    const std::size_t h = i / levels;
    const std::size_t number = options_.levels[i % levels];
    const models::AnchorLevel& level = student.anchors.levels[number];
    RF_CHECK(width % level.stride_px == 0);
    training::average_mirrored(student.heads[h], level.sizes_px.size(), width / level.stride_px,
                               mirrored[h][number], outputs[h][number]);
  });
}

TeacherOutputs Teacher::seen(const std::vector<ImageView>& images) {
  TeacherOutputs outputs(detector_.heads.size(), std::vector<std::vector<float>>(outputs_.size()));
  const std::int64_t height = images.front().height;
  const std::int64_t width = images.front().width;
  std::vector<std::size_t> wanted;
  std::map<std::size_t, std::pair<std::size_t, std::size_t>> places;  // level and head
  for (const std::size_t number : options_.levels) {
    const models::AnchorLevel& level = detector_.anchors.levels[number];
    const detection::Grid grid = detection::grid_of(level, height, width);
    const std::size_t anchors =
        images.size() * level.sizes_px.size() * static_cast<std::size_t>(grid.height * grid.width);
    for (std::size_t h = 0; h < outputs.size(); ++h) {
      outputs[h][number].resize(anchors * static_cast<std::size_t>(detector_.heads[h].values));
      wanted.push_back(outputs_[number][h]);
      places[outputs_[number][h]] = {number, h};
    }
  }
  runner_->run(images, wanted,
               [&](std::size_t n, std::size_t output, const runtime::FeatureMap& map) {
                 const auto [level, h] = places.at(output);
                 std::vector<float>& batch = outputs[h][level];
                 const std::size_t size = batch.size() / images.size();
                 copy_map(map, std::span(batch).subspan(n * size, size));
               });
  return coding_.is_identity() ? outputs : recoded(outputs, height, width);
}

}  // namespace retinaface::training
