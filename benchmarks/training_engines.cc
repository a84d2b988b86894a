// Images a second that the two training engines learn from on CPUs, forwards and back without the
// loss, in turns: what the fused steps of our own bring over libtorch's autograd.
// Usage: bench_training_engines [THREADS]   -> rows of the table of `make bench`

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdlib>
#include <memory>
#include <string>

#include <fmt/format.h>

#include "base/cpu.h"
#include "base/random.h"
#include "models/catalogue.h"
#include "ratio_table.h"
#include "runtime/autograd/autograd_network.h"
#include "runtime/torch/fused_network.h"
#include "runtime/training_backends/process_settings.h"

namespace {

using namespace retinaface;
using Clock = std::chrono::steady_clock;

constexpr std::int64_t kImages = 16;
constexpr std::int64_t kSide = 320;

double seconds_of_step(runtime::TrainableNetwork& network, std::size_t outputs) {
  const auto start = Clock::now();
  network.forward();
  for (std::size_t i = 0; i < outputs; ++i) {
    std::ranges::fill(network.output_gradient(i), 1e-3F * network.output(i).data[0]);
  }
  network.backward();
  return std::chrono::duration<double>(Clock::now() - start).count();
}

void compare(const std::string& model, graph::DataType type) {
  const graph::Graph graph = models::find_model(model).network.build();
  const graph::Weights weights = graph::random_weights(graph, 1);
  std::array<std::unique_ptr<runtime::TrainableNetwork>, 2> networks = {
      runtime::fused_backend().train(graph, weights, {.type = type}),
      runtime::autograd_backend().train(graph, weights, {.type = type})};
  for (const auto& network : networks) {
    Random random(2);
    for (float& value : network->input(kImages, kSide, kSide)) {
      value = static_cast<float>(random.uniform(-1, 1));
    }
  }
  std::array<double, 2> fastest = {1e9, 1e9};
  constexpr int kRounds = 6;
  for (int round = 0; round < kRounds; ++round) {
    for (std::size_t i = 0; i < networks.size(); ++i) {
      const double seconds = seconds_of_step(*networks[i], graph.outputs().size());
      if (round > 0) fastest[i] = std::min(fastest[i], seconds);  // the first gets memory
    }
  }
  const auto rate = [&](std::size_t i) { return static_cast<double>(kImages) / fastest[i]; };
  benchmarks::print_ratio(rate(0) / rate(1),
                          fmt::format("fused engine, {} in {}, 16 of 320 px ({:.0f} images/s)",
                                      model, graph::to_string(type), rate(0)),
                          fmt::format("autograd engine ({:.0f} images/s)", rate(1)));
}

}  // namespace

int main(int argc, char** argv) {
  runtime::keep_step_memory();
  runtime::set_threads(argc > 1 ? std::max(std::atoi(argv[1]), 1) : core_count());
  for (const char* model : {"mnet025", "shallow-700m"}) {
    compare(model, graph::DataType::kFloat32);
    if (has_bfloat16_products()) compare(model, graph::DataType::kBFloat16);
  }
}
