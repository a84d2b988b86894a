#include <algorithm>
#include <cstdlib>
#include <new>
#include <random>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "models/catalogue.h"
#include "models/load_model.h"
#include "runtime/cpu/cpu.h"
#include "runtime/kernels/bytes.h"
#include "runtime/kernels/kernels.h"
#include "runtime/testing.h"

namespace {

thread_local bool counting = false;
thread_local int allocations = 0;

void* counted(std::size_t bytes) {
  allocations += counting ? 1 : 0;
  void* const memory = std::malloc(bytes);
  if (memory == nullptr) throw std::bad_alloc();
  return memory;
}

}  // namespace

// Of this program; the other forms call these.
void* operator new(std::size_t bytes) {
  return counted(bytes);
}
void* operator new[](std::size_t bytes) {
  return counted(bytes);
}
void* operator new(std::size_t bytes, const std::nothrow_t&) noexcept {
  allocations += counting ? 1 : 0;
  return std::malloc(bytes);
}
void operator delete(void* memory) noexcept {
  std::free(memory);
}
void operator delete[](void* memory) noexcept {
  std::free(memory);
}
void operator delete(void* memory, std::size_t) noexcept {
  std::free(memory);
}
void operator delete[](void* memory, std::size_t) noexcept {
  std::free(memory);
}

namespace retinaface::runtime {
namespace {

using testing::planar;

/// An image of noise, and how the default model reads it.
class NoiseImage {
 public:
  NoiseImage(int width, int height) : pixels_(static_cast<std::size_t>(3 * width * height)) {
    std::mt19937 random(3);
    for (std::uint8_t& byte : pixels_) byte = static_cast<std::uint8_t>(random());
    source = {{pixels_.data(), width, height, 3 * width, PixelFormat::kRgb},
              {2, 1, 0},
              models::find_model(models::kDefaultModel).network.preprocessing.mean};
  }

  /// As planes of `height` x `width`.
  void write(const InputMap& input) const {
    const auto [n, c, height, width] = input.shape;
    std::ranges::fill(input.values(), 0.0F);
    for (int y = 0; y < source.image.height; ++y) {
      for (int x = 0; x < 3 * source.image.width; ++x) {
        const std::size_t channel = source.channel[static_cast<std::size_t>(x % 3)];
        input.values()[channel * static_cast<std::size_t>(height * width) +
                       static_cast<std::size_t>(y * width + x / 3)] =
            static_cast<float>(source.image.row(y)[x]) - source.mean[channel];
      }
    }
  }

  PixelSource source;

 private:
  std::vector<std::uint8_t> pixels_;
};

std::unique_ptr<Network> default_network(graph::DataType type) {
  const models::LoadedModel model = models::load_builtin_model(models::kDefaultModel);
  return cpu_backend().create(model.graph, model.weights, {.type = type});
}

std::vector<graph::DataType> types_here() {
  std::vector<graph::DataType> types = {graph::DataType::kFloat32};
  if (kernels::best(graph::DataType::kBFloat16) != nullptr)
    types.push_back(graph::DataType::kBFloat16);
  if (kernels::best_byte_kernels() != nullptr) types.push_back(graph::DataType::kInt8);
  return types;
}

constexpr std::size_t kOutputs = 9;

std::vector<std::vector<float>> outputs_of(const Session& session) {
  std::vector<std::vector<float>> outputs;
  for (std::size_t i = 0; i < kOutputs; ++i) outputs.push_back(planar(session.output(i)));
  return outputs;
}

TEST(CpuSession, PixelsYieldToTheBitWhatTheirPlanesYield) {
  for (const graph::DataType type : types_here()) {
    const auto network = default_network(type);
    const auto session = network->new_session();
    for (const auto& [width, height] : {std::pair{1, 1}, {33, 20}, {150, 97}}) {
      const NoiseImage image(width, height);
      for (const int beyond : {0, 11}) {
        image.write(session->input(1, height + beyond, width + beyond));
        session->run();
        const auto expected = outputs_of(*session);
        ASSERT_TRUE(session->run_on_pixels(image.source, height + beyond, width + beyond));
        EXPECT_EQ(outputs_of(*session), expected)
            << graph::to_string(type) << " " << width << "x" << height << " + " << beyond;
      }
    }
  }
}

TEST(CpuSession, TakesPixelsOnlyWhereItReadsThem) {
  const NoiseImage image(40, 30);
  const graph::Graph other = models::find_model("resnet18").network.build();
  const auto network = make_cpu_network(other, graph::random_weights(other, 1));
  EXPECT_FALSE(network->new_session()->run_on_pixels(image.source, 30, 40));
  if (kernels::best_byte_kernels() == nullptr) return;
  // Bytes of another mean are not the pixels.
  NoiseImage brighter = image;
  brighter.source.mean[1] += 0.5F;
  EXPECT_FALSE(default_network(graph::DataType::kInt8)
                   ->new_session()
                   ->run_on_pixels(brighter.source, 30, 40));
}

TEST(CpuSession, AllocatesNothingOnceItHasSeenASize) {
  for (const graph::DataType type : types_here()) {
    const auto network = default_network(type);
    const auto session = network->new_session();
    const NoiseImage image(160, 120);
    const auto run = [&](bool on_pixels) {
      if (on_pixels) {
        ASSERT_TRUE(session->run_on_pixels(image.source, 120, 160));
      } else {
        session->input(1, 120, 160);
        session->run();
      }
    };
    for (const bool on_pixels : {true, false}) {
      std::ranges::fill(session->input(1, 120, 160).values(), 0.5F);
      run(on_pixels);
      allocations = 0;
      counting = true;
      run(on_pixels);
      counting = false;
      EXPECT_EQ(allocations, 0) << graph::to_string(type) << (on_pixels ? " pixels" : " planes");
    }
  }
}

}  // namespace
}  // namespace retinaface::runtime
