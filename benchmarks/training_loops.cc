// Whether the trainer's loops over maps are vectors in both types: a compiler that makes none of
// them (a branch left in, a function not inlined) costs a training half of its speed or most of it.
// Usage: bench_training_loops   -> rows of the table of `make bench`

#include <algorithm>
#include <functional>
#include <vector>

#include <fmt/format.h>

#include "base/random.h"
#include "base/thread_time.h"
#include "ratio_table.h"
#include "runtime/torch/norm_activation.h"

namespace {

using namespace retinaface;
using namespace retinaface::runtime;

constexpr std::int64_t kRows = 256;  // of a map that stays in the cache
constexpr std::int64_t kChannels = 64;
constexpr float kSlope = 0.1F;

/// Other programs only ever add to a time, so the best of many counts.
double best_us(const std::function<void()>& work) {
  double best = 1e9;
  for (int round = 0; round < 200; ++round) {
    const double start = 1e3 * thread_cpu_ms();
    work();
    best = std::min(best, 1e3 * thread_cpu_ms() - start);
  }
  return best;
}

template <typename T>
struct Loops {
  std::vector<T> x = std::vector<T>(kRows * kChannels);
  std::vector<T> dy = x;
  std::vector<T> y = x;
  std::vector<float> scale = std::vector<float>(kChannels, 1.5F);
  std::vector<float> shift = std::vector<float>(kChannels, -0.25F);
  std::vector<double> sums = std::vector<double>(2 * kChannels);

  Loops() {
    Random random(7);
    for (auto* values : {&x, &dy}) {
      for (T& value : *values) store(value, static_cast<float>(random.uniform(-1, 1)));
    }
  }

  static Rows<const T> from(const std::vector<T>& map) {
    return {map.data(), kRows, kChannels, kChannels};
  }
  Rows<T> to() { return {y.data(), kRows, kChannels, kChannels}; }

  /// Of the four loops, in the order in which a step of training runs them.
  std::vector<double> us() {
    return {best_us([&] { add_moments<T>(from(x), shift.data(), sums.data()); }),
            best_us([&] { normalize<T>(from(x), scale.data(), shift.data(), kSlope, to()); }),
            best_us([&] {
              add_gradient_moments<T>(from(x), from(dy), scale.data(), shift.data(), kSlope,
                                      shift.data(), sums.data());
            }),
            best_us([&] {
              normalize_backward<T>(from(x), from(dy), scale.data(), shift.data(), kSlope,
                                    scale.data(), shift.data(), to());
            })};
  }
};

}  // namespace

int main() {
  const std::vector<double> float32 = Loops<float>().us();
  const std::vector<double> bfloat16 = Loops<Bfloat16>().us();
  // The first loop has nothing that could keep a compiler from vectors; the others do two to three
  // times its work. One value after the other takes ten times as long and more.
  const char* const names[] = {"moments", "normalize", "gradient moments", "backward"};
  for (std::size_t i = 0; i < float32.size(); ++i) {
    const std::string name = names[i];
    if (i > 0) {
      benchmarks::print_ratio(float32[i] / float32[0],
                              name + ", a loop of training (10: no vectors)",
                              "the loop of moments");
    }
    benchmarks::print_ratio(bfloat16[i] / float32[i], name + " in bfloat16 (10: no vectors)",
                            "the same in float32");
  }
  return 0;
}
