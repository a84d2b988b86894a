#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "graph/graph.h"
#include "graph/weights.h"
#include "runtime/backend.h"
#include "runtime/runtime.h"

namespace retinaface::runtime {

/// The entry "cpu" of the registry: make_cpu_network and, with a calibration, the same on bytes as
/// far as that lets it (doc/low_precision.md); the image and the outputs are float32.
Backend cpu_backend();

/// Fast inference on one CPU core, in float32, by kernels of our own and oneDNN.
///
/// The graph is lowered once (runtime/lowering.h). For each size of image a plan is made: a call
/// for each step, and one arena in which the liveness of the maps decides their places. The network
/// keeps the plans used last, a bounded number of them, and the reordered weights that they share;
/// a session owns only its arena. A run uses the calling thread alone, whatever OMP_NUM_THREADS
/// says, so that it does not wait for a core that another process keeps busy.
///
/// The graph's operators must be among those that cpu_backend() supports.
std::unique_ptr<Network> make_cpu_network(const graph::Graph& graph, const graph::Weights& weights);

/// What executes one step, for tests and benchmarks.
struct StepInfo {
  std::string name;            ///< of the graph's node
  std::string implementation;  ///< oneDNN's name of its kernel, or "own:" and ours
};

/// How a network made by make_cpu_network executes an image of this size.
std::vector<StepInfo> describe_plan(const Network& network, std::int64_t height,
                                    std::int64_t width);

/// Runs once on one image, on what input() was given or, where it is not null, on `image` as
/// run_on_pixels last did, and returns the milliseconds of processor time that each step took, in
/// the order of describe_plan.
std::vector<double> profile_run(Session& session, const PixelSource* image = nullptr);

}  // namespace retinaface::runtime
