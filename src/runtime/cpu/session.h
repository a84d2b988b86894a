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

  FeatureMap output(std::size_t index) const override;

  /// Runs one image and returns the milliseconds of processor time that each call took.
  std::vector<double> profile();

 private:
  void fit_arena();
  void bind();
  void run_image();
  void execute(std::size_t call);

  std::size_t input_bytes() const;  ///< of one image
  /// The blocks in the arena that hold the channels of an output.
  std::span<const std::byte> output_blocks(std::size_t index) const;

  const PlanCache& plans_;
  dnnl::stream stream_;
  std::int64_t block_;
  std::shared_ptr<const Plan> plan_;
  AlignedBuffer<std::byte> arena_;
  std::vector<std::unordered_map<int, dnnl::memory>> arguments_;  // by call
  std::int64_t images_ = 1;
  AlignedBuffer<std::byte> batch_input_;  // of more than one image
  std::vector<AlignedBuffer<std::byte>> batch_outputs_;
};

}  // namespace retinaface::runtime::cpu
