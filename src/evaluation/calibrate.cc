#include "evaluation/calibrate.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <memory>
#include <utility>

#include "base/check.h"
#include "detection/preprocess.h"
#include "models/input_shape.h"
#include "runtime/backends/backends.h"

namespace retinaface::evaluation {
namespace {

using graph::ByteCode;

/// What a channel held: its range, and how often each part of that occurred.
class ChannelCounts {
 public:
  static constexpr std::size_t kBins = 1024;

  void widen(float low, float high) {
    low_ = std::min(low_, low);
    high_ = std::max(high_, high);
  }
  void prepare() {
    // 0 is always a byte: the padding of convolutions is made of it.
    low_ = std::min(low_, 0.0F);
    high_ = std::max(high_, low_ + 1e-6F);
    high_ = std::max(high_, 0.0F);
    bins_.assign(kBins, 0);
  }
  void count(float value) {
    const float place = (value - low_) / (high_ - low_) * static_cast<float>(kBins);
    ++bins_[static_cast<std::size_t>(std::clamp(place, 0.0F, static_cast<float>(kBins - 1)))];
  }

  std::pair<float, float> range(RangeMethod method) const {
    switch (method) {
      case RangeMethod::kMinMax:
        return {low_, high_};
      case RangeMethod::kPercentile:
        return percentiles(1e-4);
      case RangeMethod::kMinError:
        return min_error();
    }
    RF_CHECK(false);
  }

 private:
  float at(double bin) const { return low_ + static_cast<float>(bin / kBins) * (high_ - low_); }

  std::pair<float, float> percentiles(double outside) const {
    double total = 0;
    for (const std::uint64_t n : bins_) total += static_cast<double>(n);
    const auto first_over = [&](auto begin, auto end) {
      double sum = 0;
      std::size_t bin = 0;
      for (; begin != end; ++begin, ++bin) {
        sum += static_cast<double>(*begin);
        if (sum > outside * total) break;
      }
      return static_cast<double>(bin);
    };
    const float low = at(first_over(bins_.begin(), bins_.end()));
    const float high = at(kBins - first_over(bins_.rbegin(), bins_.rend()));
    return {std::min(low, 0.0F), std::max(high, 1e-6F)};
  }

  /// Each end in turn: that of the longer side first, which decides how coarse the bytes are.
  std::pair<float, float> min_error() const {
    std::pair<float, float> best = {low_, high_};
    const auto shrink = [&](float& end) {
      constexpr int kSteps = 12;
      constexpr int kMinSteps = 4;
      const float whole = end;
      float best_end = whole;
      double best_error = squared_error(best.first, best.second);
      for (int i = kSteps - 1; i >= kMinSteps; --i) {
        end = whole * static_cast<float>(i) / kSteps;
        if (const double error = squared_error(best.first, best.second); error < best_error) {
          best_error = error;
          best_end = end;
        }
      }
      end = best_end;
    };
    const bool high_first = high_ >= -low_;
    shrink(high_first ? best.second : best.first);
    shrink(high_first ? best.first : best.second);
    return best;
  }

  double squared_error(float low, float high) const {
    const double step = (double{high} - double{low}) / 255;
    double sum = 0;
    for (std::size_t bin = 0; bin < kBins; ++bin) {
      if (bins_[bin] == 0) continue;
      const double value = at(static_cast<double>(bin) + 0.5);
      const double outside = value < low ? low - value : value > high ? value - high : 0;
      sum += static_cast<double>(bins_[bin]) * (outside * outside + step * step / 12);
    }
    return sum;
  }

  float low_ = std::numeric_limits<float>::infinity();
  float high_ = -std::numeric_limits<float>::infinity();
  std::vector<std::uint64_t> bins_;
};

ByteCode code_of(const std::vector<ChannelCounts>& channels, RangeMethod method) {
  ByteCode code;
  for (const ChannelCounts& channel : channels) {
    const auto [low, high] = channel.range(method);
    const float scale = (high - low) / 255;
    code.scale.push_back(scale);
    code.zero.push_back(
        static_cast<std::uint8_t>(std::clamp(std::nearbyint(-low / scale), 0.0F, 255.0F)));
  }
  return code;
}

/// What preprocessing makes of 8-bit values, exactly, where its means are whole numbers.
ByteCode image_code(const models::Preprocessing& preprocessing) {
  ByteCode code;
  for (const float mean : preprocessing.mean) {
    code.scale.push_back(1);
    code.zero.push_back(static_cast<std::uint8_t>(std::clamp(std::nearbyint(mean), 0.0F, 255.0F)));
  }
  return code;
}

void run(runtime::Session& session, const models::LoadedModel& model, const ImageView& image) {
  const models::NetworkSpec& network = model.model->network;
  const graph::Shape shape = models::input_shape(network, model.graph, image.width, image.height);
  detection::preprocess(image, network.preprocessing, session.input(1, shape.h, shape.w).values(),
                        shape.w);
  session.run();
}

/// Calls use(map number, channel, value) for all that a run yielded.
template <typename Use>
void for_each_value(const runtime::Session& session, std::size_t maps, Use&& use) {
  for (std::size_t m = 0; m < maps; ++m) {
    const runtime::FeatureMap map = session.output(m);
    for (std::int64_t c = 0; c < map.channels; ++c) {
      const float* const values = map.channel(c);
      for (std::int64_t i = 0; i < map.cells(); ++i) {
        use(m, static_cast<std::size_t>(c), values[i * map.block]);
      }
    }
  }
}

std::vector<float> outputs_of(runtime::Session& session, std::size_t count,
                              std::vector<std::size_t>* ends = nullptr) {
  std::vector<float> values;
  for (std::size_t i = 0; i < count; ++i) {
    const runtime::FeatureMap map = session.output(i);
    for (std::int64_t c = 0; c < map.channels; ++c) {
      for (std::int64_t cell = 0; cell < map.cells(); ++cell) {
        values.push_back(map.channel(c)[cell * map.block]);
      }
    }
    if (ends != nullptr) ends->push_back(values.size());
  }
  return values;
}

/// What a calibration is made of, and what it is judged by.
struct Split {
  std::vector<ImageView> used;
  std::vector<ImageView> judged;
};

/// Eight of the images, spread over them, to judge by, or all of a few for both.
Split split(const std::vector<Image>& images) {
  constexpr std::size_t kJudged = 8;
  Split parts;
  const bool has_few = images.size() < kFewImages;
  const std::size_t step = images.size() / kJudged;
  for (std::size_t i = 0; i < images.size(); ++i) {
    const bool judges = !has_few && i % step == 0 && i / step < kJudged;
    if (has_few || judges) parts.judged.emplace_back(images[i]);
    if (!judges) parts.used.emplace_back(images[i]);
  }
  return parts;
}

/// The outputs in float32 on some images, and how far those of a calibrated network are from them.
class Judge {
 public:
  Judge(const runtime::Backend& backend, models::LoadedModel& model,
        const std::vector<ImageView>& images)
      : backend_(backend), model_(model), images_(images) {
    const auto network = runtime::backends().make(model.graph, model.weights, backend.name);
    const auto session = network->new_session();
    for (const ImageView& image : images_) {
      run(*session, model, image);
      expected_.push_back(
          outputs_of(*session, model.graph.outputs().size(), &ends_.emplace_back()));
    }
  }

  /// Puts the calibration beside the model's weights.
  double error_of(const graph::Calibration& calibration) {
    graph::write_calibration(calibration, model_.weights);
    const auto network = runtime::backends().make(model_.graph, model_.weights, backend_.name,
                                                  {.type = graph::DataType::kInt8});
    const auto session = network->new_session();
    const std::size_t outputs = model_.graph.outputs().size();
    std::vector<double> squares(outputs);
    std::vector<double> sums(outputs);
    std::vector<double> spreads(outputs);
    std::vector<double> counts(outputs);
    for (std::size_t i = 0; i < images_.size(); ++i) {
      run(*session, model_, images_[i]);
      const std::vector<float> actual = outputs_of(*session, outputs);
      std::size_t at = 0;
      for (std::size_t o = 0; o < outputs; ++o) {
        for (; at < ends_[i][o]; ++at) {
          const double value = expected_[i][at];
          const double difference = double{actual[at]} - value;
          squares[o] += difference * difference;
          sums[o] += value;
          spreads[o] += value * value;
          counts[o] += 1;
        }
      }
    }
    double error = 0;
    for (std::size_t o = 0; o < outputs; ++o) {
      const double variance = spreads[o] - sums[o] * sums[o] / counts[o];
      error += squares[o] / std::max(variance, 1e-12) / static_cast<double>(outputs);
    }
    return error;
  }

 private:
  const runtime::Backend& backend_;
  models::LoadedModel& model_;
  const std::vector<ImageView>& images_;
  std::vector<std::vector<float>> expected_;    // by image
  std::vector<std::vector<std::size_t>> ends_;  // by image, by output
};

}  // namespace

CalibrationResult calibrate(models::LoadedModel& model, const std::vector<Image>& images,
                            const CalibrationOptions& options,
                            const std::function<void(std::size_t, std::size_t)>& progress) {
  RF_CHECK(!images.empty());
  const runtime::Backend& backend = runtime::backends().with_byte_layers();
  const runtime::ByteLayers::Observed observed =
      backend.byte_layers->observe(model.graph, model.weights);
  const std::size_t maps = observed.names.size();
  const auto session = observed.network->new_session();
  std::vector<std::vector<ChannelCounts>> counts(maps);
  // Twice over the images: for the ranges, and for what lies in them.
  const auto [used, judged] = split(images);
  const std::size_t work = 2 * used.size();
  std::size_t done = 0;
  for (const ImageView& image : used) {
    run(*session, model, image);
    for (std::size_t m = 0; m < maps; ++m) {
      counts[m].resize(static_cast<std::size_t>(session->output(m).channels));
    }
    for_each_value(*session, maps, [&](std::size_t m, std::size_t c, float value) {
      counts[m][c].widen(value, value);
    });
    progress(++done, work);
  }
  for (auto& channels : counts) {
    for (ChannelCounts& channel : channels) channel.prepare();
  }
  for (const ImageView& image : used) {
    run(*session, model, image);
    for_each_value(*session, maps,
                   [&](std::size_t m, std::size_t c, float value) { counts[m][c].count(value); });
    progress(++done, work);
  }

  CalibrationResult result;
  graph::Calibration& calibration = result.calibration;
  calibration.codes.emplace(graph::kImageCode, image_code(model.model->network.preprocessing));
  for (std::size_t m = 0; m < maps; ++m) {
    calibration.codes.emplace(observed.names[m], code_of(counts[m], options.method));
  }

  Judge judge(backend, model, judged);
  result.error_of_all = result.error = judge.error_of(calibration);
  const auto finish = [&] {
    calibration.error = result.error;
    graph::write_calibration(calibration, model.weights);
    return result;
  };
  if (result.error <= options.max_error) return finish();
  const std::vector<std::string> layers = backend.byte_layers->names(model.graph, model.weights);
  done = 0;
  for (const std::string& layer : layers) {
    graph::Calibration without = calibration;
    without.float_layers.insert(layer);
    result.gains.push_back({layer, 1 - judge.error_of(without) / result.error_of_all});
    progress(++done, layers.size());
  }
  std::ranges::stable_sort(result.gains, std::ranges::greater(), &LayerGain::share);
  for (const LayerGain& gain : result.gains) {
    if (result.error <= options.max_error) break;
    if (!calibration.float_layers.insert(gain.layer).second) continue;
    result.error = judge.error_of(calibration);
  }
  return finish();
}

}  // namespace retinaface::evaluation
