#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "evaluation/wider_evaluation.h"

namespace retinaface::evaluation {

/// A figure by which detectors are compared: the mean of AP over some overlaps.
struct Metric {
  const char* name;
  Subset subset;
  std::span<const double> overlaps;
};

/// "easy", "medium" and "hard" at kMinOverlap, and "map" over map_overlaps() on the hard subset.
inline constexpr std::size_t kMetrics = 4;
const std::array<Metric, kMetrics>& metrics();

/// How a metric is resampled (the bootstrap of Efron 1979): `samples` times as many images as
/// there are are drawn from them with replacement.
struct Resampling {
  int samples = 1000;
  std::uint64_t seed = 1;
  int threads = 1;  ///< change nothing in the result
};

/// How often each of `images` images is in a sample. The same for equal arguments, on every
/// machine.
std::vector<std::uint32_t> draw_images(std::size_t images, std::uint64_t seed,
                                       std::uint64_t sample);

/// The metric in each sample, in [0, 1]. The images' places in the range of scores stay those of
/// the whole set. Detectors whose results hold the same images in the same order are measured on
/// the same samples, so their values can be subtracted one by one. `progress` counts steps, of
/// which there is one a sample and overlap.
std::vector<double> resample(const WiderGroundTruth& truth, std::span<const ImageMatches> results,
                             const Metric& metric, const Resampling& resampling,
                             const Progress& progress = {});

struct Interval {
  double low = 0;
  double high = 0;
};

/// What lies between the 2.5th and the 97.5th percentile, between neighbours interpolated; at least
/// one value.
Interval central_interval(std::vector<double> values);

struct Estimate {
  double value = 0;   ///< on the images themselves
  Interval interval;  ///< of 95 %
};

/// A detector and what it found in the images that all are compared on.
struct ComparedDetector {
  std::string name;
  std::vector<ImageMatches> results;
};

struct ComparisonRow {
  std::string name;
  WiderReport report;
  std::array<Estimate, kMetrics> estimates;    ///< by metric, in [0, 1]
  std::array<Estimate, kMetrics> differences;  ///< to the first detector, paired
};

struct Comparison {
  std::size_t images = 0;
  std::size_t all_images = 0;  ///< of the ground truth
  Resampling resampling;
  std::vector<ComparisonRow> rows;  ///< in the detectors' order
};

/// Compares detectors whose results hold the same images in the same order.
Comparison compare(const WiderGroundTruth& truth, std::span<const ComparedDetector> detectors,
                   const Resampling& resampling, const Progress& progress = {});

}  // namespace retinaface::evaluation
