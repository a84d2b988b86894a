// Images a second that the trainer learns from: forward, loss, backward and optimizer, of batches
// that are ready in memory, or with --data=FOLDER loaded from an annotated set as it goes.
// benchmarks/training_eager.py is the ordinary PyTorch loop to compare with. Usage:
// bench_training [fp32|bf16] [THREADS] [SECONDS] [SIDE] [BATCH] [MODEL] [ACCUMULATE] [recompute]
//                [--data=FOLDER]   -> one JSON line

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <functional>
#include <memory>
#include <numeric>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <fmt/format.h>
#include <sys/resource.h>

#include "base/random.h"
#include "dataset/augmentation.h"
#include "dataset/loader.h"
#include "dataset/read_set.h"
#include "models/catalogue.h"
#include "runtime/training_backends/process_settings.h"
#include "training/optimizer.h"
#include "training/process_group.h"
#include "training/recipe.h"
#include "training/training_step.h"

namespace {

using namespace retinaface;
using Clock = std::chrono::steady_clock;

/// Noise with ten faces of 16 to 200 px.
dataset::Sample noise(int side, std::uint64_t seed) {
  Random random(seed);
  dataset::Sample sample{Image(side, side), {}};
  for (int y = 0; y < side; ++y) {
    for (int i = 0; i < 3 * side; ++i) {
      sample.image.row(y)[i] = static_cast<std::uint8_t>(random.below(256));
    }
  }
  for (int i = 0; i < 10; ++i) {
    dataset::AnnotatedFace face;
    const auto size = static_cast<float>(random.uniform(16, 200));
    const auto x = static_cast<float>(random.uniform(0, side - 200.0));
    const auto y = static_cast<float>(random.uniform(0, side - 200.0));
    face.box = {x, y, x + size, y + size};
    for (auto& point : face.points) {
      point = {{x + size / 2, y + size / 2}, dataset::PointState::kVisible};
    }
    sample.faces.push_back(face);
  }
  return sample;
}

using Source = std::function<std::span<const dataset::Sample>()>;

Source ready_batches(const training::Recipe& recipe) {
  std::vector<std::vector<dataset::Sample>> batches(2);
  for (std::size_t b = 0; b < batches.size(); ++b) {
    for (int i = 0; i < recipe.batch; ++i) {
      batches[b].push_back(noise(recipe.side_px, 100 * b + static_cast<std::uint64_t>(i)));
    }
  }
  return [batches = std::move(batches),
          number = std::size_t{0}]() mutable -> std::span<const dataset::Sample> {
    return batches[number++ % batches.size()];
  };
}

Source loaded(const training::Recipe& recipe, const std::string& folder, int threads) {
  const auto loader =
      std::make_shared<dataset::Loader>(std::vector{dataset::read_training_set(folder)},
                                        dataset::LoaderOptions{.augmentation = recipe.augmentation,
                                                               .side_px = recipe.side_px,
                                                               .batch = recipe.batch,
                                                               .threads = threads});
  return [loader, batch = std::vector<dataset::Sample>()]() mutable {
    batch = loader->next();
    return std::span<const dataset::Sample>(batch);
  };
}

}  // namespace

int main(int argc, char** argv) {
  std::vector<std::string> arguments(argv + 1, argv + argc);
  std::string data;
  std::erase_if(arguments, [&](const std::string& argument) {
    constexpr std::string_view kData = "--data=";
    if (!argument.starts_with(kData)) return false;
    data = argument.substr(kData.size());
    return true;
  });
  const auto argument = [&](std::size_t i, const char* otherwise) {
    return i < arguments.size() ? arguments[i] : std::string(otherwise);
  };
  const std::string precision = argument(0, "fp32");
  if (precision != "fp32" && precision != "bf16") {
    fmt::print(stderr,
               "usage: bench_training [fp32|bf16] [THREADS] [SECONDS] [SIDE] [BATCH] [MODEL] "
               "[ACCUMULATE] [recompute] [--data=FOLDER]\n");
    return 2;
  }
  const int threads = std::max(std::atoi(argument(1, "2").c_str()), 1);
  const double seconds = std::atof(argument(2, "20").c_str());
  training::Recipe recipe;
  recipe.side_px = std::atoi(argument(3, "640").c_str());
  recipe.batch = std::atoi(argument(4, "16").c_str());
  recipe.model = argument(5, "mnet025");
  recipe.accumulate = std::atoi(argument(6, "1").c_str());
  recipe.recompute = argument(7, "") == "recompute";
  recipe.arithmetic = precision == "bf16" ? graph::DataType::kBFloat16 : graph::DataType::kFloat32;
  if (training::usable_arithmetic(recipe) != recipe.arithmetic) {
    fmt::print(stderr, "bench_training: this processor has no bfloat16 instructions\n");
    return 1;
  }

  runtime::keep_step_memory();
  runtime::set_threads(threads);
  training::ProcessGroup alone({});
  const models::Model& model = models::find_model(recipe.model);
  training::TrainingStep step(recipe, model, graph::random_weights(model.network.build(), 1),
                              alone);
  training::Optimizer optimizer(step.network().parameters(), recipe.optimizer);
  const Source next_batch = data.empty() ? ready_batches(recipe) : loaded(recipe, data, threads);
  std::vector<double> times;
  const auto begin = Clock::now();
  constexpr std::size_t kWarm = 2;
  while (times.size() < kWarm + 3 ||
         std::chrono::duration<double>(Clock::now() - begin).count() < seconds) {
    const auto start = Clock::now();
    step.forward_backward(next_batch());
    constexpr double kRate = 1e-5;
    optimizer.step(kRate, static_cast<std::int64_t>(times.size()), step.network().gradients(),
                   step.network().values());
    times.push_back(std::chrono::duration<double>(Clock::now() - start).count());
  }
  times.erase(times.begin(), times.begin() + kWarm);
  const double mean = std::reduce(times.begin(), times.end()) / static_cast<double>(times.size());
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  fmt::print(
      "{{\"engine\": \"retinaface-train\", \"model\": \"{}\", \"precision\": \"{}\", \"threads\": "
      "{}, \"side\": {}, \"batch\": {}, \"steps\": {}, \"loading\": {}, \"images_per_second\": "
      "{:.2f}, \"peak_mb\": {}}}\n",
      recipe.model, precision, threads, recipe.side_px, recipe.batch, times.size(), !data.empty(),
      recipe.batch / mean, usage.ru_maxrss / 1024);
}
