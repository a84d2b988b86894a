#include "training/teacher.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <future>

#include "base/check.h"
#include "base/crc32c.h"
#include "detection/anchors.h"
#include "detection/preprocess.h"
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
                 const std::string& source, int threads)
    : model_(*loaded.model),
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

TeacherOutputs Teacher::look(std::span<const dataset::Sample> samples) {
  TeacherOutputs outputs;
  const std::int64_t height = samples.front().image.height();
  const std::int64_t width = samples.front().image.width();
  for (const models::AnchorLevel& level : model_.anchors.levels) {
    const detection::Grid grid = detection::grid_of(level, height, width);
    const std::size_t anchors =
        samples.size() * level.sizes_px.size() * static_cast<std::size_t>(grid.height * grid.width);
    outputs.cls.emplace_back(anchors * 2);
    outputs.box.emplace_back(anchors * 4);
    outputs.landmarks.emplace_back(anchors * 10);
  }
  const auto look_at = [&](runtime::Session& session, std::size_t n) {
    detection::preprocess(samples[n].image, model_.preprocessing, session.input(height, width));
    session.run();
    const auto copy = [&](std::size_t output, std::vector<float>& batch) {
      const std::size_t size = batch.size() / samples.size();
      copy_map(session.output(output), std::span(batch).subspan(n * size, size));
    };
    for (std::size_t level = 0; level < outputs_.size(); ++level) {
      copy(outputs_[level].cls, outputs.cls[level]);
      copy(outputs_[level].box, outputs.box[level]);
      copy(outputs_[level].landmarks, outputs.landmarks[level]);
    }
  };
  const auto share_of = [&](std::size_t thread) {
    for (std::size_t n = thread; n < samples.size(); n += sessions_.size()) {
      look_at(*sessions_[thread], n);
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
