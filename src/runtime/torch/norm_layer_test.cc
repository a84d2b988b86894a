#include "runtime/torch/norm_layer.h"

#include <cmath>

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "base/random.h"
#include "runtime/training_backends/process_settings.h"

namespace retinaface::runtime {
namespace {

/// A map of `rows` rows of `channels` values, the layer's parameters, and a weight for each result,
/// so that L = sum of weight y is a loss.
struct Case {
  std::int64_t rows = 1;
  std::int64_t channels = 1;
  double slope = 0.1;
  bool running = false;
  std::vector<double> x, weight, bias, mean, variance, loss_weight;

  Case(std::int64_t r, std::int64_t c, double s, bool running_statistics, bool as_bfloat16)
      : rows(r), channels(c), slope(s), running(running_statistics) {
    Random random(static_cast<std::uint64_t>(100 * r + c));
    const auto fill = [&](std::vector<double>& values, std::int64_t count, double low,
                          double high) {
      for (std::int64_t i = 0; i < count; ++i) {
        const auto value = static_cast<float>(random.uniform(low, high));
        values.push_back(as_bfloat16 ? double{at::BFloat16(value)} : double{value});
      }
    };
    fill(x, rows * channels, -2, 3);
    fill(loss_weight, rows * channels, -1, 1);
    fill(weight, channels, -1.5, 1.5);
    fill(bias, channels, -0.5, 0.5);
    fill(mean, channels, -0.5, 1);
    fill(variance, channels, 0.5, 2);
  }
};

constexpr double kEpsilon = 1e-5;

struct Statistics {
  std::vector<double> mean, variance;
};

Statistics statistics_of(const Case& c) {
  if (c.running) return {c.mean, c.variance};
  const auto channels = static_cast<std::size_t>(c.channels);
  Statistics result{std::vector<double>(channels, 0.0), std::vector<double>(channels, 0.0)};
  const auto rows = static_cast<double>(c.rows);
  for (std::size_t i = 0; i < c.x.size(); ++i) result.mean[i % channels] += c.x[i] / rows;
  for (std::size_t i = 0; i < c.x.size(); ++i) {
    result.variance[i % channels] += std::pow(c.x[i] - result.mean[i % channels], 2) / rows;
  }
  return result;
}

/// The formula of norm_activation.h in double precision, straight through.
std::vector<double> results_of(const Case& c) {
  const Statistics statistics = statistics_of(c);
  std::vector<double> y;
  for (std::size_t i = 0; i < c.x.size(); ++i) {
    const std::size_t channel = i % static_cast<std::size_t>(c.channels);
    const double z = (c.x[i] - statistics.mean[channel]) /
                         std::sqrt(statistics.variance[channel] + kEpsilon) * c.weight[channel] +
                     c.bias[channel];
    y.push_back(z > 0 ? z : c.slope * z);
  }
  return y;
}

double loss_of(const Case& c) {
  const std::vector<double> y = results_of(c);
  double loss = 0;
  for (std::size_t i = 0; i < y.size(); ++i) loss += c.loss_weight[i] * y[i];
  return loss;
}

/// The derivative of the loss by `value`, which is one of the case's own.
double numeric_gradient(const Case& c, double& value) {
  constexpr double kStep = 1e-6;
  const double before = value;
  value = before + kStep;
  const double above = loss_of(c);
  value = before - kStep;
  const double below = loss_of(c);
  value = before;
  return (above - below) / (2 * kStep);
}

std::vector<float> floats(const std::vector<double>& values) {
  return {values.begin(), values.end()};
}

/// The layer on a case. `surplus` channels lie beside the results in a wider map.
struct Layer {
  std::vector<float> weight, bias, mean, variance, weight_gradient, bias_gradient;
  at::Tensor x, y, dx;

  Layer(const Case& c, at::ScalarType type, std::int64_t surplus, bool trainable = true)
      : weight(floats(c.weight)),
        bias(floats(c.bias)),
        mean(floats(c.mean)),
        variance(floats(c.variance)),
        weight_gradient(weight.size()),
        bias_gradient(weight.size()) {
    NormLayer layer({weight, bias, mean, variance, weight_gradient, bias_gradient},
                    {.slope = static_cast<float>(c.slope),
                     .running_statistics = c.running,
                     .trainable = trainable});
    x = map_of(c, c.x, 0, type);
    const at::Tensor wide = map_of(c, c.x, surplus, type);
    y = wide.narrow(1, surplus / 2, c.channels);
    const std::int64_t stride = surplus > 0 ? c.channels + surplus : 0;
    layer.forward(x, y, stride);
    const at::Tensor wide_dy = map_of(c, c.loss_weight, surplus, type);
    dx = layer.backward(x, wide_dy.narrow(1, surplus / 2, c.channels), stride);
  }

  /// (1, C + surplus, rows, 1), the surplus around the values.
  static at::Tensor map_of(const Case& c, const std::vector<double>& values, std::int64_t surplus,
                           at::ScalarType type) {
    const at::Tensor map = at::full({1, c.channels + surplus, c.rows, 1}, 77, at::kFloat)
                               .contiguous(at::MemoryFormat::ChannelsLast);
    const auto width = static_cast<std::size_t>(c.channels + surplus);
    for (std::size_t i = 0; i < values.size(); ++i) {
      const auto channels = static_cast<std::size_t>(c.channels);
      map.data_ptr<float>()[i / channels * width + i % channels +
                            static_cast<std::size_t>(surplus / 2)] = static_cast<float>(values[i]);
    }
    return map.to(type);
  }

  static double value_at(const at::Tensor& map, std::size_t i) {
    const auto channels = static_cast<std::size_t>(map.size(1));
    return map[0][static_cast<std::int64_t>(i % channels)][static_cast<std::int64_t>(i / channels)]
              [0]
                  .item<double>();
  }
};

std::vector<Case> cases(bool as_bfloat16) {
  std::vector<Case> result;
  for (const bool running : {false, true}) {
    // One row; fewer rows and channels than a vector; folded rows with a rest; wide rows.
    for (const auto& [rows, channels] :
         {std::pair<std::int64_t, std::int64_t>{2, 1}, {7, 3}, {67, 8}, {33, 24}, {5, 130}}) {
      for (const double slope : {0.1, 0.0, 1.0}) {
        result.emplace_back(rows, channels, slope, running, as_bfloat16);
      }
    }
  }
  return result;
}

TEST(NormLayer, ResultsEqualTheFormula) {
  for (const Case& c : cases(false)) {
    const Layer layer(c, at::kFloat, 6);
    const std::vector<double> expected = results_of(c);
    for (std::size_t i = 0; i < expected.size(); ++i) {
      ASSERT_NEAR(Layer::value_at(layer.y, i), expected[i], 2e-5) << c.rows << "x" << c.channels;
    }
  }
}

TEST(NormLayer, GradientsEqualFiniteDifferences) {
  for (Case c : cases(false)) {
    SCOPED_TRACE(::testing::Message() << c.rows << " rows of " << c.channels << ", slope "
                                      << c.slope << (c.running ? ", running" : ""));
    for (const std::int64_t surplus : {0, 6}) {
      const Layer layer(c, at::kFloat, surplus);
      for (std::size_t i = 0; i < c.x.size(); ++i) {
        ASSERT_NEAR(Layer::value_at(layer.dx, i), numeric_gradient(c, c.x[i]), 5e-4) << "x " << i;
      }
      for (std::size_t i = 0; i < c.weight.size(); ++i) {
        const auto weight_gradient = static_cast<double>(layer.weight_gradient[i]);
        const auto bias_gradient = static_cast<double>(layer.bias_gradient[i]);
        ASSERT_NEAR(weight_gradient, numeric_gradient(c, c.weight[i]), 5e-4) << "weight " << i;
        ASSERT_NEAR(bias_gradient, numeric_gradient(c, c.bias[i]), 5e-4) << "bias " << i;
      }
    }
  }
}

TEST(NormLayer, Bfloat16IsTheSameButForItsRounding) {
  for (const Case& c : cases(true)) {
    const Layer exact(c, at::kFloat, 0);
    const Layer layer(c, at::kBFloat16, 6);
    for (std::size_t i = 0; i < c.x.size(); ++i) {
      const double y = Layer::value_at(exact.y, i);
      const double dx = Layer::value_at(exact.dx, i);
      ASSERT_NEAR(Layer::value_at(layer.y, i), y, std::abs(y) / 256 + 1e-6);
      ASSERT_NEAR(Layer::value_at(layer.dx, i), dx, std::abs(dx) / 256 + 1e-5);
    }
    for (std::size_t i = 0; i < c.weight.size(); ++i) {
      ASSERT_NEAR(layer.weight_gradient[i], exact.weight_gradient[i], 1e-4F);
    }
  }
}

TEST(NormLayer, MovesItsRunningStatistics) {
  const Case c(67, 8, 0.1, false, false);
  const Layer layer(c, at::kFloat, 0);
  const Statistics batch = statistics_of(c);
  for (std::size_t i = 0; i < c.mean.size(); ++i) {
    EXPECT_NEAR(static_cast<double>(layer.mean[i]), 0.9 * c.mean[i] + 0.1 * batch.mean[i], 1e-6);
    EXPECT_NEAR(static_cast<double>(layer.variance[i]),
                0.9 * c.variance[i] + 0.1 * batch.variance[i] * 67 / 66, 1e-6);
  }
}

TEST(NormLayer, LeavesFixedParametersAndStatisticsAlone) {
  const Case c(67, 8, 0.1, true, false);
  const Layer layer(c, at::kFloat, 0, false);
  EXPECT_EQ(layer.mean, floats(c.mean));
  EXPECT_EQ(layer.variance, floats(c.variance));
  EXPECT_EQ(layer.weight_gradient, std::vector<float>(8, 0.0F));
}

// As many pieces of work as there are does not depend on the threads.
TEST(NormLayer, IsTheSameForAnyNumberOfThreads) {
  const Case c(20'000, 64, 0.1, false, false);
  set_threads(1);
  const Layer one(c, at::kFloat, 0);
  set_threads(3);
  const Layer three(c, at::kFloat, 0);
  set_threads(1);
  EXPECT_TRUE(at::equal(one.y, three.y));
  EXPECT_TRUE(at::equal(one.dx, three.dx));
  EXPECT_EQ(one.weight_gradient, three.weight_gradient);
}

// Two processes with half of the rows each, played by two threads of control after one another.
TEST(NormLayer, SharesStatisticsOverProcesses) {
  const Case whole(40, 8, 0.1, false, false);
  const Layer expected(whole, at::kFloat, 0);
  std::vector<std::vector<std::vector<double>>> calls(2);  // by round, then by process
  // Each process is run three times: to learn what it would send forwards, then backwards, then
  // with the sums of both.
  for (std::size_t round = 0; round < 3; ++round) {
    for (std::size_t process = 0; process < 2; ++process) {
      Case half = whole;
      half.rows = 20;
      const auto part = [&](std::vector<double>& values) {
        const auto begin = values.begin() + static_cast<std::ptrdiff_t>(160 * process);
        values = std::vector<double>(begin, begin + 160);
      };
      part(half.x);
      part(half.loss_weight);
      std::vector<float> weight = floats(half.weight), bias = floats(half.bias),
                         mean = floats(half.mean), variance = floats(half.variance),
                         weight_gradient(8), bias_gradient(8);
      std::size_t call = 0;
      const auto sum = [&](std::span<double> values) {
        if (call < round) {
          for (std::size_t i = 0; i < values.size(); ++i) {
            values[i] = calls[call][0][i] + calls[call][1][i];
          }
        } else if (call == round) {
          calls[call].emplace_back(values.begin(), values.end());
        }
        ++call;
      };
      NormLayer layer({weight, bias, mean, variance, weight_gradient, bias_gradient},
                      {.slope = 0.1F, .sum_over_processes = sum});
      const at::Tensor x = Layer::map_of(half, half.x, 0, at::kFloat);
      const at::Tensor y = at::empty_like(x);
      layer.forward(x, y, 0);
      const at::Tensor dx =
          layer.backward(x, Layer::map_of(half, half.loss_weight, 0, at::kFloat), 0);
      if (round < 2) continue;
      for (std::size_t i = 0; i < 160; ++i) {
        ASSERT_NEAR(Layer::value_at(y, i), Layer::value_at(expected.y, 160 * process + i), 1e-5);
        ASSERT_NEAR(Layer::value_at(dx, i), Layer::value_at(expected.dx, 160 * process + i), 1e-5);
      }
      EXPECT_EQ(mean, expected.mean);
      EXPECT_EQ(variance, expected.variance);
    }
  }
}

}  // namespace
}  // namespace retinaface::runtime
