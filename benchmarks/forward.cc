// Forward pass of a network on one thread, whole and step by step.
// Usage: forward [MODEL] [WIDTHxHEIGHT] [SECONDS] [--layers] [--type float32|bfloat16|int8]; MODEL
// is a row of the catalogue, which gets random weights, or a model file; in int8 a model with
// weights and a calibration, by name or file
//   -> one JSON line {"engine","type","height","width","threads","runs","median_ms","min_ms",
//      "median_cpu_ms","first_ms","gmacs_per_s","peak_gmacs_per_s"}; by the processor's time
//      others' turns on it do not count. The last two are 10^9 multiply-adds a second: what the
//      convolutions would take directly by the median of all steps' time (Winograd's algorithm
//      needs fewer), and what the core does at most.

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <random>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "base/multiply_add_peak.h"
#include "base/thread_time.h"
#include "graph/operators.h"
#include "models/catalogue.h"
#include "models/load_model.h"
#include "runtime/cpu/cpu.h"
#include "runtime/testing.h"

namespace {

using namespace retinaface;
using Clock = std::chrono::steady_clock;

double ms_since(Clock::time_point start) {
  return std::chrono::duration<double, std::milli>(Clock::now() - start).count();
}

constexpr graph::DataType kTypes[] = {graph::DataType::kFloat32, graph::DataType::kBFloat16,
                                      graph::DataType::kInt8};

double peak_of(graph::DataType type) {
  return type == graph::DataType::kInt8       ? int8_multiply_add_peak()
         : type == graph::DataType::kBFloat16 ? bfloat16_multiply_add_peak()
                                              : float32_multiply_add_peak();
}

double median(std::vector<double> values) {
  std::ranges::nth_element(values, values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2));
  return values[values.size() / 2];
}

double giga_multiply_adds(const graph::Graph& graph, int height, int width) {
  const auto shapes = graph::infer_shapes(graph, {1, 3, height, width});
  double sum = 0;
  for (const graph::Node& node : graph.nodes()) {
    sum += static_cast<double>(graph::multiply_adds(node.op, graph::input_shapes(node, shapes)));
  }
  return sum / 1e9;
}

std::vector<std::uint8_t> random_bytes(int count) {
  std::mt19937 generator(1);
  std::vector<std::uint8_t> bytes;
  for (int i = 0; i < count; ++i) bytes.push_back(static_cast<std::uint8_t>(generator()));
  return bytes;
}

/// `pixels` is what the session last ran on, null if those were floats.
void print_layers(const runtime::Network& network, runtime::Session& session, int height, int width,
                  const PixelSource* pixels) {
  const auto steps = runtime::describe_plan(network, height, width);
  constexpr int kRuns = 30;
  std::vector<std::vector<double>> times(steps.size());
  for (int run = 0; run < kRuns; ++run) {
    const std::vector<double> ms = runtime::profile_run(session, pixels);
    for (std::size_t i = 0; i < ms.size(); ++i) times[i].push_back(ms[i]);
  }
  for (std::size_t i = 0; i < steps.size(); ++i) {
    fmt::print(stderr, "{:8.3f} ms  {:<36} {}\n", median(times[i]), steps[i].name,
               steps[i].implementation);
  }
}

}  // namespace

int main(int argc, char** argv) {
  std::vector<std::string> arguments(argv + 1, argv + argc);
  const bool layers = std::erase(arguments, "--layers") > 0;
  const auto argument = [&](std::size_t i, const char* otherwise) {
    return i < arguments.size() ? arguments[i] : std::string(otherwise);
  };
  graph::DataType type = graph::DataType::kFloat32;
  const auto option = std::ranges::find(arguments, "--type");
  if (option != arguments.end()) {
    if (option + 1 == arguments.end()) return 2;
    const std::string wanted = *(option + 1);
    const auto* const known =
        std::ranges::find(kTypes, wanted, [](auto t) { return graph::to_string(t); });
    if (known == std::end(kTypes)) return 2;
    type = *known;
    arguments.erase(option, option + 2);
  }
  const std::string name = argument(0, "mnet025");
  int width = 0;
  int height = 0;
  if (std::sscanf(argument(1, "640x480").c_str(), "%dx%d", &width, &height) != 2) return 2;
  const double seconds = std::atof(argument(2, "3").c_str());

  const bool has_weights = type == graph::DataType::kInt8 || name.ends_with(".safetensors");
  const models::LoadedModel loaded =
      has_weights ? models::load_model_by_name_or_path(name, models::MeshReading::kLater)
                  : models::LoadedModel{};
  const graph::Graph graph = has_weights ? loaded.graph : models::find_model(name).network.build();
  const auto network = runtime::cpu_backend().create(
      graph, has_weights ? loaded.clone().weights : runtime::testing::lively_weights(graph, 1),
      {.type = type});
  const auto session = network->new_session();
  const std::vector<std::uint8_t> noise = random_bytes(3 * width * height);
  const PixelSource pixels = {
      {noise.data(), width, height, 3 * width, PixelFormat::kBgr}, {0, 1, 2}, {104, 117, 123}};
  const auto start = Clock::now();
  const bool on_pixels = session->run_on_pixels(pixels, height, width);
  if (!on_pixels) runtime::testing::outputs_for_noise(graph, *session, height, width, 1);
  const double first_ms = ms_since(start);
  std::vector<double> times;
  std::vector<double> cpu_times;
  for (const auto begin = Clock::now(); ms_since(begin) < seconds * 1000 || times.size() < 7;) {
    const auto run = Clock::now();
    const double cpu_start = thread_cpu_ms();
    if (on_pixels) {
      session->run_on_pixels(pixels, height, width);
    } else {
      session->run();
    }
    cpu_times.push_back(thread_cpu_ms() - cpu_start);
    times.push_back(ms_since(run));
  }
  fmt::print(
      "{{\"engine\": \"retinaface\", \"type\": \"{}\", \"height\": {}, \"width\": {}, \"threads\": "
      "1, \"runs\": {}, "
      "\"median_ms\": {:.3f}, \"min_ms\": {:.3f}, \"median_cpu_ms\": {:.3f}, \"first_ms\": {:.3f}, "
      "\"gmacs_per_s\": {:.1f}, \"peak_gmacs_per_s\": {:.1f}}}\n",
      graph::to_string(type), height, width, times.size(), median(times),
      *std::ranges::min_element(times), median(cpu_times), first_ms,
      giga_multiply_adds(graph, height, width) / (1e-3 * median(cpu_times)), 1e-9 * peak_of(type));
  if (layers) print_layers(*network, *session, height, width, on_pixels ? &pixels : nullptr);
}
