#include "training/process_group.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <csignal>
#include <exception>
#include <future>

#include "base/check.h"
#include "base/file.h"
#include "base/number_text.h"

#ifdef RETINAFACE_WITH_GLOO
#include <torch/csrc/distributed/c10d/PrefixStore.hpp>
#include <torch/csrc/distributed/c10d/ProcessGroupGloo.hpp>
#include <torch/csrc/distributed/c10d/TCPStore.hpp>

#include <ATen/ATen.h>
#endif

namespace retinaface::training {
namespace {

template <typename T>
void read_variable(const Environment& environment, const char* name, T minimum, T& target) {
  const std::optional<std::string> text = environment(name);
  if (!text) return;
  const auto value = read_number<T>(*text);
  if (!value || *value < minimum) {
    fail(ErrorCode::kInvalidArgument, "{}: expected a whole number from {} on, found '{}'", name,
         minimum, excerpt(*text));
  }
  target = *value;
}

}  // namespace

ProcessPlace place_from_environment(const Environment& environment) {
  // SLURM_NTASKS is set in a batch script too, which is one process; the step's is srun's alone.
  constexpr std::array<std::array<const char*, 2>, 4> kLaunchers = {
      {{"RANK", "WORLD_SIZE"},
       {"OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE"},
       {"PMI_RANK", "PMI_SIZE"},
       {"SLURM_PROCID", "SLURM_STEP_NUM_TASKS"}}};
  ProcessPlace place;
  for (const auto& [rank, processes] : kLaunchers) {
    if (!environment(rank) || !environment(processes)) continue;
    read_variable(environment, rank, 0, place.rank);
    read_variable(environment, processes, 1, place.processes);
    if (place.rank >= place.processes) {
      fail(ErrorCode::kInvalidArgument, "{}: expected less than {}, which is {}, found {}", rank,
           processes, place.processes, place.rank);
    }
    break;
  }
  if (const auto host = environment("MASTER_ADDR")) place.host = *host;
  read_variable<std::uint16_t>(environment, "MASTER_PORT", 1, place.port);
  place.launcher_listens = environment("TORCHELASTIC_USE_AGENT_STORE") == "True";
  read_variable(environment, "TORCHELASTIC_RESTART_COUNT", 0, place.attempt);
  return place;
}

#ifdef RETINAFACE_WITH_GLOO

/// Processes that start side by side on busy machines get at least this long to find each other.
constexpr std::chrono::seconds kMinJoining{30};

class ProcessGroup::Implementation {
 public:
  Implementation(const ProcessPlace& place, std::chrono::seconds timeout,
                 std::chrono::seconds joining) {
    // Gloo may be about to write to the connection that a process closes by dying.
    std::signal(SIGPIPE, SIG_IGN);
    c10d::TCPStoreOptions options;
    options.port = place.port;
    options.isServer = place.rank == 0 && !place.launcher_listens;
    options.numWorkers = static_cast<std::size_t>(place.processes);
    options.timeout = joining;
    // What a store of the launcher's still holds of an earlier attempt stays out of the way.
    const auto store = c10::make_intrusive<c10d::PrefixStore>(
        fmt::format("retinaface/{}/", place.attempt),
        c10::make_intrusive<c10d::TCPStore>(place.host, options));
    // Gloo itself waits for the others no longer than the time-out.
    const auto here = [](int rank) { return fmt::format("here/{}", rank); };
    store->set(here(place.rank), std::vector<std::uint8_t>{1});
    std::vector<std::string> all;
    for (int rank = 0; rank < place.processes; ++rank) all.push_back(here(rank));
    store->wait(all, joining);
    // A process that dies closes its connections and is noticed at once; one that hangs, or whose
    // machine is lost, by the time-out alone.
    const auto gloo = c10d::ProcessGroupGloo::Options::create(timeout);
    gloo->devices = {place.host == "127.0.0.1" || place.host == "localhost"
                         ? c10d::ProcessGroupGloo::createDeviceForHostname("127.0.0.1")
                         : c10d::ProcessGroupGloo::createDefaultDevice()};
    gloo->threads = 1;
    group_ = c10::make_intrusive<c10d::ProcessGroupGloo>(store, place.rank, place.processes, gloo);
  }

  template <typename T>
  void sum(std::span<T> values, at::ScalarType type) {
    std::vector<at::Tensor> tensors = {
        at::from_blob(values.data(), {static_cast<std::int64_t>(values.size())}, type)};
    group_->allreduce(tensors)->wait();
  }

 private:
  c10::intrusive_ptr<c10d::ProcessGroupGloo> group_;
};

namespace {

/// Runs `action`; what libtorch throws becomes an Error of one line.
template <typename Action>
void translated(const ProcessPlace& place, const std::string& what, const Action& action) {
  try {
    action();
  } catch (const std::exception& error) {
    const std::string text = error.what();
    fail(ErrorCode::kUnreadable, "process {} of {}: {} ({})", place.rank, place.processes, what,
         excerpt(text.substr(0, text.find('\n'))));
  }
}

std::string gone(std::chrono::seconds timeout) {
  return fmt::format(
      "another process of the run is gone, or has hung for {} s; end those that are left and start "
      "all of them again with --resume",
      timeout.count());
}

}  // namespace

ProcessGroup::ProcessGroup(const ProcessPlace& place, std::chrono::seconds timeout)
    : place_(place), timeout_(timeout) {
  if (place.processes == 1) return;
  const std::chrono::seconds joining = std::max(timeout, kMinJoining);
  translated(
      place,
      fmt::format("the processes of the run did not find each other within {} s", joining.count()),
      [&] { implementation_ = std::make_unique<Implementation>(place, timeout, joining); });
}

void ProcessGroup::sum(std::span<double> values) {
  if (!implementation_) return;
  translated(place_, gone(timeout_), [&] { implementation_->sum(values, at::kDouble); });
}

void ProcessGroup::sum(std::span<float> values) {
  if (!implementation_) return;
  translated(place_, gone(timeout_), [&] { implementation_->sum(values, at::kFloat); });
}

#else

class ProcessGroup::Implementation {};

ProcessGroup::ProcessGroup(const ProcessPlace& place, std::chrono::seconds timeout)
    : place_(place), timeout_(timeout) {
  if (place.processes > 1) {
    fail(ErrorCode::kUnsupported,
         "{} processes: this build trains with one, since libgloo-dev was not installed",
         place.processes);
  }
}

void ProcessGroup::sum(std::span<double>) {}
void ProcessGroup::sum(std::span<float>) {}

#endif

void ProcessGroup::while_first_works(const std::function<void()>& work) {
  double ended[] = {0};
  if (rank() > 0) {
    while (ended[0] == 0) sum(std::span<double>(ended));
    return;
  }
  if (processes() == 1) return work();
  // If the work throws, the promise is the first to be destroyed, which ends the signs of life.
  std::future<void> signs_of_life;
  std::promise<void> finished;
  signs_of_life = std::async(std::launch::async, [this, done = finished.get_future()] {
    while (done.wait_for(std::chrono::milliseconds(timeout_) / 4) == std::future_status::timeout) {
      double still_working[] = {0};
      sum(std::span<double>(still_working));
    }
  });
  work();
  finished.set_value();
  signs_of_life.get();
  ended[0] = 1;
  sum(std::span<double>(ended));
}

ProcessGroup::~ProcessGroup() = default;

}  // namespace retinaface::training
