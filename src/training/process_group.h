#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>

namespace retinaface::training {

/// Where this process stands among those that train one network together.
struct ProcessPlace {
  int rank = 0;
  int processes = 1;
  std::string host = "127.0.0.1";  ///< of rank 0, as the others reach it
  std::uint16_t port = 29500;      ///< there
  bool launcher_listens = false;   ///< on that port, for all to meet there; else rank 0 has to
  int attempt = 0;                 ///< how often the launcher has started the run anew
};

/// Reads the value of an environment variable; nothing where it is not set.
using Environment = std::function<std::optional<std::string>(const char* name)>;

/// What the launcher has set: torchrun's RANK and WORLD_SIZE, TORCHELASTIC_USE_AGENT_STORE and
/// TORCHELASTIC_RESTART_COUNT, or Open MPI's, Hydra's (MPICH, Intel)
/// or Slurm's (srun) own; MASTER_ADDR and MASTER_PORT with all of them. One process where there is
/// none of these. Throws Error(kInvalidArgument) for values that are no such numbers.
ProcessPlace place_from_environment(const Environment& environment);

/// How long a process may keep the others waiting before they take it for hung.
inline constexpr std::chrono::seconds kWorkerTimeout = std::chrono::minutes(5);

/// Sums over all processes of a run, by libtorch's c10d with Gloo. Each process calls the same
/// members in the same order; all get the same bits. Throws Error(kUnreadable) when another one is
/// gone, or has kept this one waiting for `timeout`. From then on this process ignores SIGPIPE if
/// the run has others.
class ProcessGroup {
 public:
  /// Waits until all have come. Throws Error: kUnreadable when they do not, kUnsupported for more
  /// than one process in a build without Gloo.
  explicit ProcessGroup(const ProcessPlace& place, std::chrono::seconds timeout = kWorkerTimeout);
  ~ProcessGroup();
  ProcessGroup(const ProcessGroup&) = delete;
  ProcessGroup& operator=(const ProcessGroup&) = delete;

  int rank() const { return place_.rank; }
  int processes() const { return place_.processes; }

  /// Replaces the values by their sums over all processes.
  void sum(std::span<double> values);
  void sum(std::span<float> values);

  /// Rank 0 does the work, and the others wait for it to end, however long it takes: rank 0 says
  /// from time to time that it is still there. Throws what the work throws, on rank 0 alone.
  void while_first_works(const std::function<void()>& work);

 private:
  class Implementation;

  ProcessPlace place_;
  std::chrono::seconds timeout_;
  std::unique_ptr<Implementation> implementation_;  ///< null for one process
};

}  // namespace retinaface::training
