#pragma once

#include <cmath>
#include <cstdint>
#include <numbers>
#include <span>
#include <utility>

namespace retinaface {
inline namespace internal {

/// SplitMix64 (Steele, Lea and Flood 2014): small, and the same on every machine, which the
/// distributions of <random> are not.
class Random {
 public:
  explicit Random(std::uint64_t seed) : state_(seed) {}

  /// A generator for one thing among many, e.g. {seed, epoch, index of an image}: what it yields
  /// depends on the keys alone, not on what was drawn for others.
  template <typename... Keys>
  static Random of(std::uint64_t seed, Keys... keys) {
    Random random(seed);
    ((random.state_ = random.next() ^ static_cast<std::uint64_t>(keys)), ...);
    return Random(random.next());
  }

  std::uint64_t next() {
    std::uint64_t z = (state_ += 0x9E3779B97F4A7C15U);
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9U;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBU;
    return z ^ (z >> 31);
  }
  /// In (0, 1].
  double uniform() { return static_cast<double>((next() >> 11) + 1) * 0x1p-53; }
  /// In (low, high].
  double uniform(double low, double high) { return low + (high - low) * uniform(); }
  /// True with this probability, 0 to 1.
  bool chance(double probability) { return uniform() <= probability; }
  /// In [0, count); count at least 1. Its bias is below count / 2^64.
  std::uint64_t below(std::uint64_t count) { return next() % count; }
  /// Standard normal, by Box and Muller.
  double normal() {
    const double radius = std::sqrt(-2 * std::log(uniform()));  // first: operands have no order
    return radius * std::cos(2 * std::numbers::pi * uniform());
  }
  /// Any order of the items, each as likely (Fisher and Yates).
  template <typename T>
  void shuffle(std::span<T> items) {
    for (std::size_t i = items.size(); i > 1; --i) std::swap(items[i - 1], items[below(i)]);
  }

 private:
  std::uint64_t state_;
};

}  // namespace internal
}  // namespace retinaface
