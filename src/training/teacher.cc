#include "training/teacher.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <future>

#include "base/check.h"
#include "base/crc32c.h"
#include "detection/anchors.h"
#include "detection/preprocess.h"
#include "detection/voting.h"
#include "models/load_model.h"
#include "runtime/onednn/onednn.h"

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

/// One of an anchor's numbers as it is for the image in a mirror.
struct Reflection {
  std::size_t index;
  float factor;
};

constexpr std::array<Reflection, 2> kReflectedCls = {{{0, 1}, {1, 1}}};
constexpr std::array<Reflection, 4> kReflectedBox = {{{0, -1}, {1, 1}, {2, 1}, {3, 1}}};
constexpr std::array<Reflection, 10> kReflectedLandmarks = [] {
  std::array<Reflection, 10> reflections{};
  for (std::size_t point = 0; point < 5; ++point) {
    const std::size_t counterpart = detection::kMirrorCounterpart[point];
    reflections[2 * point] = {2 * counterpart, -1};
    reflections[2 * point + 1] = {2 * counterpart + 1, 1};
  }
  return reflections;
}();

/// Takes the mean of what copy_map wrote and of the map of the mirrored image.
void average_mirrored_map(const runtime::FeatureMap& map, std::span<const Reflection> reflections,
                          std::span<float> target) {
  RF_CHECK(target.size() == static_cast<std::size_t>(map.channels * map.cells()));
  for (std::int64_t c = 0; c < map.channels; ++c) {
    const auto width = static_cast<std::int64_t>(reflections.size());
    const Reflection reflection = reflections[static_cast<std::size_t>(c % width)];
    const float* const channel =
        map.channel(c / width * width + static_cast<std::int64_t>(reflection.index));
    for (std::int64_t i = 0; i < map.cells(); ++i) {
      const std::int64_t mirrored = i + map.width - 1 - 2 * (i % map.width);
      float& value = target[static_cast<std::size_t>(i * map.channels + c)];
      value = (value + reflection.factor * channel[mirrored * map.block]) / 2;
    }
  }
}

std::uint32_t checksum(const graph::Weights& weights) {
  std::uint32_t sum = 0;
  for (const auto& [name, tensor] : weights.tensors) {
    const auto* const bytes = reinterpret_cast<const char*>(tensor.values.data());
    sum = std::rotl(sum, 1) ^ crc32c({bytes, tensor.values.size() * sizeof(float)});
  }
  return sum;
}

bool same_anchors(const models::AnchorFamily& a, const models::AnchorFamily& b) {
  return a.center_variance == b.center_variance && a.size_variance == b.size_variance &&
         std::ranges::equal(a.levels, b.levels, [](const auto& x, const auto& y) {
           return x.stride_px == y.stride_px && x.sizes_px == y.sizes_px;
         });
}

}  // namespace

Teacher::Teacher(const models::LoadedModel& loaded, const models::Model& student,
                 const std::string& source, int threads, bool mirrored)
    : model_(*loaded.model),
      mirrored_(mirrored),
      network_(runtime::make_onednn_network(loaded.graph, loaded.weights)),
      outputs_(models::head_outputs(loaded.graph, model_.anchors)),
      description_(fmt::format("{} {:08x}", model_.name, checksum(loaded.weights))) {
  if (!same_anchors(model_.anchors, student.anchors)) {
    fail(ErrorCode::kBadData, "{}: expected a teacher with the anchors of {}, found a {}", source,
         student.name, model_.name);
  }
  for (const auto& [name, tensor] : loaded.weights.tensors) {
    if (!std::ranges::all_of(tensor.values, [](float value) { return std::isfinite(value); })) {
      fail(ErrorCode::kBadData, "{}: expected finite weights, {} has others", source, name);
    }
  }
  for (int i = 0; i < threads; ++i) sessions_.push_back(network_->new_session());
}

TeacherOutputs Teacher::predict(std::span<const dataset::Sample> samples) {
  TeacherOutputs outputs;
  const std::int64_t height = samples.front().image.height();
  const std::int64_t width = samples.front().image.width();
  for (const models::AnchorLevel& level : model_.anchors.levels) {
    RF_CHECK(!mirrored_ || width % level.stride_px == 0);
    const detection::Grid grid = detection::grid_of(level, height, width);
    const std::size_t anchors =
        samples.size() * level.sizes_px.size() * static_cast<std::size_t>(grid.height * grid.width);
    outputs.cls.emplace_back(anchors * 2);
    outputs.box.emplace_back(anchors * 4);
    outputs.landmarks.emplace_back(anchors * 10);
  }
  const auto run = [&](runtime::Session& session, ImageView image) {
    detection::preprocess(image, model_.preprocessing, session.input(height, width));
    session.run();
  };
  const auto predict_one = [&](runtime::Session& session, std::size_t n) {
    const auto part_of = [&](std::vector<float>& batch) {
      const std::size_t size = batch.size() / samples.size();
      return std::span(batch).subspan(n * size, size);
    };
    run(session, samples[n].image);
    for (std::size_t level = 0; level < outputs_.size(); ++level) {
      copy_map(session.output(outputs_[level].cls), part_of(outputs.cls[level]));
      copy_map(session.output(outputs_[level].box), part_of(outputs.box[level]));
      copy_map(session.output(outputs_[level].landmarks), part_of(outputs.landmarks[level]));
    }
    if (!mirrored_) return;
    run(session, detection::mirrored(samples[n].image));
    for (std::size_t level = 0; level < outputs_.size(); ++level) {
      const auto average = [&](std::size_t output, std::span<const Reflection> reflections,
                               std::vector<float>& batch) {
        average_mirrored_map(session.output(output), reflections, part_of(batch));
      };
      average(outputs_[level].cls, kReflectedCls, outputs.cls[level]);
      average(outputs_[level].box, kReflectedBox, outputs.box[level]);
      average(outputs_[level].landmarks, kReflectedLandmarks, outputs.landmarks[level]);
    }
  };
  const auto share_of = [&](std::size_t thread) {
    for (std::size_t n = thread; n < samples.size(); n += sessions_.size()) {
      predict_one(*sessions_[thread], n);
    }
  };
  std::vector<std::future<void>> others;
  for (std::size_t thread = 1; thread < sessions_.size(); ++thread) {
    others.push_back(std::async(std::launch::async, share_of, thread));
  }
  share_of(0);
  for (std::future<void>& other : others) other.get();
  return outputs;
}

}  // namespace retinaface::training
