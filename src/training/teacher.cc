#include "training/teacher.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <future>

#include "base/check.h"
#include "base/crc32c.h"
#include "detection/anchors.h"
#include "detection/preprocess.h"
#include "detection/voting.h"
#include "models/load_model.h"
#include "runtime/backends/backends.h"

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

/// Takes the mean of what copy_map wrote and of the map of the mirrored image.
void average_mirrored_map(const runtime::FeatureMap& map, const models::Head& head,
                          std::span<float> target) {
  RF_CHECK(target.size() == static_cast<std::size_t>(map.channels * map.cells()));
  for (std::int64_t c = 0; c < map.channels; ++c) {
    const auto width = static_cast<std::int64_t>(head.values);
    const auto value = static_cast<std::size_t>(c % width);
    const models::MirroredValue reflection =
        head.mirrored.empty() ? models::MirroredValue{value, 1} : head.mirrored[value];
    const float* const channel =
        map.channel(c / width * width + static_cast<std::int64_t>(reflection.index));
    for (std::int64_t i = 0; i < map.cells(); ++i) {
      const std::int64_t mirrored = i + map.width - 1 - 2 * (i % map.width);
      float& mean = target[static_cast<std::size_t>(i * map.channels + c)];
      mean = (mean + reflection.factor * channel[mirrored * map.block]) / 2;
    }
  }
}

std::uint32_t checksum(const graph::Weights& weights) {
  std::uint32_t sum = 0;
  for (const auto& [name, tensor] : weights.tensors) {
    const auto* const bytes = reinterpret_cast<const char*>(tensor.bytes.data());
    sum = std::rotl(sum, 1) ^ crc32c({bytes, tensor.bytes.size()});
  }
  return sum;
}

bool same_anchors(const models::AnchorFamily& a, const models::AnchorFamily& b) {
  return a.center_variance == b.center_variance && a.size_variance == b.size_variance &&
         std::ranges::equal(a.levels, b.levels, [](const auto& x, const auto& y) {
           return x.stride_px == y.stride_px && x.sizes_px == y.sizes_px;
         });
}

bool same_heads(const std::vector<models::Head>& a, const std::vector<models::Head>& b) {
  return std::ranges::equal(a, b, [](const models::Head& x, const models::Head& y) {
    return x.name == y.name && x.values == y.values && x.meaning == y.meaning;
  });
}

}  // namespace

Teacher::Teacher(const models::LoadedModel& loaded, const models::Model& student,
                 const std::string& source, int threads, bool mirrored)
    : model_(*loaded.model),
      mirrored_(mirrored),
      network_(runtime::backends().make(loaded.graph, loaded.weights)),
      outputs_(models::head_outputs(loaded.graph, model_.detector)),
      description_(fmt::format("{} {:08x}", model_.name, checksum(loaded.weights))) {
  if (!same_anchors(model_.detector.anchors, student.detector.anchors)) {
    fail(ErrorCode::kBadData, "{}: expected a teacher with the anchors of {}, found a {}", source,
         student.name, model_.name);
  }
  if (!same_heads(model_.detector.heads, student.detector.heads)) {
    fail(ErrorCode::kBadData, "{}: expected a teacher with the heads of {}, found a {}", source,
         student.name, model_.name);
  }
  for (const auto& [name, tensor] : loaded.weights.tensors) {
    const graph::Tensor numbers = graph::as_float32(tensor);
    if (!std::ranges::all_of(numbers.values(), [](float value) { return std::isfinite(value); })) {
      fail(ErrorCode::kBadData, "{}: expected finite weights, {} has others", source, name);
    }
  }
  for (int i = 0; i < threads; ++i) sessions_.push_back(network_->new_session());
}

TeacherOutputs Teacher::predict(std::span<const dataset::Sample> samples) {
  TeacherOutputs outputs(model_.detector.heads.size());
  const std::int64_t height = samples.front().image.height();
  const std::int64_t width = samples.front().image.width();
  for (const models::AnchorLevel& level : model_.detector.anchors.levels) {
    RF_CHECK(!mirrored_ || width % level.stride_px == 0);
    const detection::Grid grid = detection::grid_of(level, height, width);
    const std::size_t anchors =
        samples.size() * level.sizes_px.size() * static_cast<std::size_t>(grid.height * grid.width);
    for (std::size_t h = 0; h < outputs.size(); ++h) {
      outputs[h].emplace_back(anchors * static_cast<std::size_t>(model_.detector.heads[h].values));
    }
  }
  const auto run = [&](runtime::Session& session, ImageView image) {
    detection::preprocess(image, model_.network.preprocessing,
                          session.input(1, height, width).values());
    session.run();
  };
  const auto predict_one = [&](runtime::Session& session, std::size_t n) {
    const auto part_of = [&](std::vector<float>& batch) {
      const std::size_t size = batch.size() / samples.size();
      return std::span(batch).subspan(n * size, size);
    };
    const auto for_each_map = [&](const auto& action) {
      for (std::size_t level = 0; level < outputs_.size(); ++level) {
        for (std::size_t h = 0; h < outputs.size(); ++h) {
          action(session.output(outputs_[level][h]), h, part_of(outputs[h][level]));
        }
      }
    };
    run(session, samples[n].image);
    for_each_map([](const runtime::FeatureMap& map, std::size_t, std::span<float> target) {
      copy_map(map, target);
    });
    if (!mirrored_) return;
    run(session, detection::mirrored(samples[n].image));
    for_each_map([&](const runtime::FeatureMap& map, std::size_t h, std::span<float> target) {
      average_mirrored_map(map, model_.detector.heads[h], target);
    });
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
