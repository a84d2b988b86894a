#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <oneapi/dnnl/dnnl.hpp>

#include "graph/tensor.h"

namespace retinaface::runtime::cpu {

/// Weights and biases in the layouts that primitives ask for, each made once and shared by the
/// plans that are alive. Safe for several threads.
class WeightStore {
 public:
  /// `tensor` must live as long as the store and is known by its address. `plain` is how it lies in
  /// memory; `filled` the same with some extents larger, as those of `wanted` are: what is there
  /// beyond the tensor is 0.
  std::shared_ptr<const dnnl::memory> get(const graph::Tensor& tensor,
                                          const dnnl::memory::desc& plain,
                                          const dnnl::memory::desc& filled,
                                          const dnnl::memory::desc& wanted);

 private:
  struct Entry {
    dnnl::memory::desc desc;
    std::weak_ptr<const dnnl::memory> memory;
  };
  std::mutex mutex_;
  std::multimap<const graph::Tensor*, Entry> entries_;
};

}  // namespace retinaface::runtime::cpu
