#include "training/teacher.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <future>
#include <optional>
#include <utility>

#include "base/check.h"
#include "base/crc32c.h"
#include "detection/anchors.h"
#include "detection/preprocess.h"
#include "image/convert.h"
#include "image/resize.h"
#include "runtime/onednn/onednn.h"
#include "training/loss_terms.h"

namespace retinaface::training {
namespace {

/// A map as rows of all its channels, cell by cell.
std::vector<float> rows_of(const runtime::FeatureMap& map) {
  std::vector<float> rows(static_cast<std::size_t>(map.channels * map.cells()));
  for (std::int64_t c = 0; c < map.channels; ++c) {
    const float* const channel = map.channel(c);
    float* const to = rows.data() + c;
    for (std::int64_t i = 0; i < map.cells(); ++i) to[i * map.channels] = channel[i * map.block];
  }
  return rows;
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

/// A map's values for each anchor, and the map that holds them.
struct Head {
  std::vector<std::vector<float>> TeacherOutputs::*maps;
  std::size_t width;
};
constexpr std::array<Head, 3> kHeads = {
    {{&TeacherOutputs::cls, 2}, {&TeacherOutputs::box, 4}, {&TeacherOutputs::landmarks, 10}}};

/// An anchor of a cell, whatever the cell.
struct AnchorKind {
  std::size_t level, index;
};

/// That of a picture twice as large that stands for the level's anchor of `size_px`: twice as
/// large, on a grid of which 2 x 2 cells or one fit into a cell.
std::optional<AnchorKind> counterpart(const models::AnchorFamily& family,
                                      const models::AnchorLevel& own, float size_px) {
  for (std::size_t level = 0; level < family.levels.size(); ++level) {
    const models::AnchorLevel& other = family.levels[level];
    if (other.stride_px != own.stride_px && other.stride_px != 2 * own.stride_px) continue;
    const auto found = std::ranges::find(other.sizes_px, 2 * size_px);
    if (found == other.sizes_px.end()) continue;
    return AnchorKind{level, static_cast<std::size_t>(found - other.sizes_px.begin())};
  }
  return std::nullopt;
}

double score_of(const std::vector<float>& cls, std::size_t anchor) {
  return sigmoid(static_cast<double>(cls[2 * anchor + 1]) - static_cast<double>(cls[2 * anchor]));
}

}  // namespace

TeacherOutputs mirrored_back(const TeacherOutputs& outputs, const models::AnchorFamily& family,
                             std::int64_t height, std::int64_t width) {
  // Where an anchor's values come from, and their signs: x offsets change theirs.
  constexpr std::array<std::size_t, 16> kFrom = {0, 1, 0, 1, 2, 3, 2, 3, 0, 1, 4, 5, 8, 9, 6, 7};
  constexpr std::array<float, 16> kSign = {1, 1, -1, 1, 1, 1, -1, 1, -1, 1, -1, 1, -1, 1, -1, 1};
  TeacherOutputs result = outputs;
  for (std::size_t level = 0; level < family.levels.size(); ++level) {
    const detection::Grid grid = detection::grid_of(family.levels[level], height, width);
    const auto columns = static_cast<std::size_t>(grid.width);
    const std::size_t anchors = family.levels[level].sizes_px.size();
    std::size_t first = 0;
    for (const Head& head : kHeads) {
      const std::vector<float>& from = (outputs.*head.maps)[level];
      std::vector<float>& to = (result.*head.maps)[level];
      for (std::size_t i = 0; i < to.size(); ++i) {
        const std::size_t value = i % head.width;
        const std::size_t anchor = i / head.width % anchors;
        const std::size_t cell = i / head.width / anchors;
        const std::size_t opposite = cell / columns * columns + (columns - 1 - cell % columns);
        to[i] = kSign[first + value] *
                from[(opposite * anchors + anchor) * head.width + kFrom[first + value]];
      }
      first += head.width;
    }
  }
  return result;
}

TeacherOutputs reduced(const TeacherOutputs& enlarged, TeacherOutputs otherwise,
                       const models::AnchorFamily& family, std::int64_t height,
                       std::int64_t width) {
  for (std::size_t level = 0; level < family.levels.size(); ++level) {
    const models::AnchorLevel& own = family.levels[level];
    const detection::Grid grid = detection::grid_of(own, height, width);
    for (std::size_t index = 0; index < own.sizes_px.size(); ++index) {
      const std::optional<AnchorKind> there = counterpart(family, own, own.sizes_px[index]);
      if (!there) continue;
      const models::AnchorLevel& other = family.levels[there->level];
      const std::int64_t columns = detection::grid_of(other, 2 * height, 2 * width).width;
      const std::int64_t finer = 2 * own.stride_px / other.stride_px;
      for (std::int64_t cell = 0; cell < grid.height * grid.width; ++cell) {
        std::array<std::size_t, 4> around{};
        for (std::int64_t k = 0; k < 4; ++k) {
          const std::int64_t row = cell / grid.width * finer + k / 2 % finer;
          const std::int64_t column = cell % grid.width * finer + k % 2 % finer;
          around[static_cast<std::size_t>(k)] =
              static_cast<std::size_t>(row * columns + column) * other.sizes_px.size() +
              there->index;
        }
        const std::size_t anchor = static_cast<std::size_t>(cell) * own.sizes_px.size() + index;
        for (const Head& head : kHeads) {
          const std::vector<float>& from = (enlarged.*head.maps)[there->level];
          for (std::size_t i = 0; i < head.width; ++i) {
            float sum = 0;
            for (const std::size_t one : around) sum += from[one * head.width + i];
            (otherwise.*head.maps)[level][anchor * head.width + i] = sum / 4;
          }
        }
      }
    }
  }
  return otherwise;
}

TeacherOutputs mean_of(std::span<const TeacherOutputs> looks, std::span<const double> weights) {
  constexpr double kLeast = 1e-9;  // keeps the logit of the mean finite
  TeacherOutputs mean = looks.front();
  std::vector<float> shares(looks.size());
  for (std::size_t level = 0; level < mean.cls.size(); ++level) {
    for (std::size_t anchor = 0; anchor < mean.cls[level].size() / 2; ++anchor) {
      double score = 0;
      for (std::size_t look = 0; look < looks.size(); ++look) {
        const double part = weights[look] * score_of(looks[look].cls[level], anchor) + kLeast;
        shares[look] = static_cast<float>(part);
        score += part;
      }
      for (const Head& head : std::span(kHeads).subspan(1)) {
        for (std::size_t i = 0; i < head.width; ++i) {
          float sum = 0;
          for (std::size_t look = 0; look < looks.size(); ++look) {
            sum += shares[look] * (looks[look].*head.maps)[level][anchor * head.width + i];
          }
          (mean.*head.maps)[level][anchor * head.width + i] = sum / static_cast<float>(score);
        }
      }
      score = std::min(score, 1 - kLeast);
      mean.cls[level][2 * anchor] = 0;
      mean.cls[level][2 * anchor + 1] = static_cast<float>(std::log(score) - std::log1p(-score));
    }
  }
  return mean;
}

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
  for (int i = 0; i < threads; ++i) {
    sessions_.push_back({network_->new_session(), network_->new_session()});
  }
}

TeacherOutputs Teacher::look_at(runtime::Session& session, const Image& picture) const {
  detection::preprocess(picture, model_.preprocessing,
                        session.input(picture.height(), picture.width()));
  session.run();
  TeacherOutputs outputs;
  for (const models::HeadOutputs& level : outputs_) {
    outputs.cls.push_back(rows_of(session.output(level.cls)));
    outputs.box.push_back(rows_of(session.output(level.box)));
    outputs.landmarks.push_back(rows_of(session.output(level.landmarks)));
  }
  return outputs;
}

TeacherOutputs Teacher::look_repeatedly(runtime::Session& session,
                                        runtime::Session& enlarged_session,
                                        const Image& picture) const {
  const int height = picture.height();
  const int width = picture.width();
  const models::AnchorFamily& family = model_.anchors;
  Image mirror_image = picture;
  mirror(mirror_image);
  const Image enlarged = resize(mirror_image, 2 * width, 2 * height);
  std::vector<TeacherOutputs> looks;
  looks.push_back(look_at(session, picture));
  looks.push_back(mirrored_back(look_at(session, mirror_image), family, height, width));
  const TeacherOutputs closer =
      mirrored_back(look_at(enlarged_session, enlarged), family, 2 * height, 2 * width);
  looks.push_back(reduced(closer, looks.back(), family, height, width));
  return mean_of(looks, std::array{0.25, 0.25, 0.5});
}

TeacherOutputs Teacher::look(std::span<const dataset::Sample> samples,
                             bool test_time_augmentation) {
  std::vector<TeacherOutputs> of_samples(samples.size());
  const auto share_of = [&](std::size_t thread) {
    const Sessions& sessions = sessions_[thread];
    for (std::size_t n = thread; n < samples.size(); n += sessions_.size()) {
      const Image& picture = samples[n].image;
      of_samples[n] = test_time_augmentation
                          ? look_repeatedly(*sessions.same, *sessions.enlarged, picture)
                          : look_at(*sessions.same, picture);
    }
  };
  std::vector<std::future<void>> others;
  for (std::size_t thread = 1; thread < sessions_.size(); ++thread) {
    others.push_back(std::async(std::launch::async, share_of, thread));
  }
  share_of(0);
  for (std::future<void>& other : others) other.get();
  TeacherOutputs outputs = std::move(of_samples.front());
  for (const TeacherOutputs& of_sample : std::span(of_samples).subspan(1)) {
    for (const Head& head : kHeads) {
      for (std::size_t level = 0; level < outputs_.size(); ++level) {
        const std::vector<float>& more = (of_sample.*head.maps)[level];
        std::vector<float>& all = (outputs.*head.maps)[level];
        all.insert(all.end(), more.begin(), more.end());
      }
    }
  }
  return outputs;
}

}  // namespace retinaface::training
