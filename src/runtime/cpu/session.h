#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <oneapi/dnnl/dnnl.hpp>
#include <span>
#include <unordered_map>
#include <vector>

#include "base/aligned_buffer.h"
#include "runtime/cpu/plan.h"
#include "runtime/cpu/plan_cache.h"
#include "runtime/runtime.h"

namespace retinaface::runtime::cpu {

/// Runs plans in an arena of its own.
class CpuSession : public Session {
 public:
  /// `plans` outlives the session.
  explicit CpuSession(const PlanCache& plans);

  InputMap input(std::int64_t images, std::int64_t height, std::int64_t width) override;

  /// The arena is for one image. Of a batch, one image after another goes through it.
  void run() override;

  bool run_on_pixels(const PixelSource& image, std::int64_t height, std::int64_t width) override;

  FeatureMap output(std::size_t index) const override;

  /// Runs on one image, of floats where `image` is null, and returns the milliseconds of processor
  /// time that each call took.
  std::vector<double> profile(const PixelSource* image = nullptr);

 private:
  /// What a call needs beyond the plan, once the arena is there.
  struct Bound {
    std::unordered_map<int, dnnl::memory> arguments;  // of a primitive
    std::vector<float*> planes;                       // of all targets of floats, by block
    std::vector<std::vector<float*>> rings;           // of a chain
    std::vector<Bound> layers = {};                   // of strips
  };

  void take_plan(std::int64_t height, std::int64_t width, bool reads_pixels);
  void fit_arena(std::size_t bytes);
  void bind(const Plan& plan);
  Bound bound_kernel(const KernelCall& call);
  void run_kernel(const KernelCall& call, const Bound& bound, const kernels::RowRange& rows);
  void run_image();
  void execute(std::size_t i);

  std::size_t input_bytes() const;  ///< of one image
  /// The blocks in the arena that hold the channels of an output.
  std::span<const std::byte> output_blocks(std::size_t index) const;

  const PlanCache& plans_;
  dnnl::stream stream_;
  std::int64_t block_;
  std::shared_ptr<const Plan> plan_;
  AlignedBuffer<std::byte> arena_;
  std::vector<Bound> bound_;             // by call
  const PixelSource* pixels_ = nullptr;  // while a plan runs that reads them
  std::int64_t images_ = 1;
  AlignedBuffer<std::byte> batch_input_;  // of more than one image
  std::vector<AlignedBuffer<std::byte>> batch_outputs_;
};

}  // namespace retinaface::runtime::cpu
