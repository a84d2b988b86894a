// What deformable convolution costs: the context modules of a network with it and without, in turn.
// Usage: deformable [MODEL] [WIDTHxHEIGHT] [RUNS]
//   -> one JSON line {"model","height","width","plain_ms","deformable_ms","ratio"}; each module's
//      fastest run, since other programs only ever add to it

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <limits>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "models/catalogue.h"
#include "runtime/onednn/onednn.h"
#include "runtime/testing.h"

namespace {

using namespace retinaface;

/// The steps of one network, each in the shortest time that it took.
class StepTimes {
 public:
  StepTimes(const std::string& name, int height, int width) {
    const graph::Graph graph = models::find_model(name).network.build();
    network_ = runtime::make_onednn_network(graph, runtime::testing::lively_weights(graph, 1));
    session_ = network_->new_session();
    runtime::testing::outputs_for_noise(graph, *session_, height, width, 1);
    steps_ = runtime::describe_plan(*network_, height, width);
    ms_.assign(steps_.size(), std::numeric_limits<double>::infinity());
  }

  void run() {
    const std::vector<double> ms = runtime::profile_run(*session_);
    for (std::size_t i = 0; i < ms.size(); ++i) ms_[i] = std::min(ms_[i], ms[i]);
  }

  double context_ms(bool print) const {
    double sum = 0;
    for (std::size_t i = 0; i < steps_.size(); ++i) {
      if (!steps_[i].name.starts_with("ssh")) continue;
      sum += ms_[i];
      if (print) {
        fmt::print(stderr, "{:8.3f} ms  {:<36} {}\n", ms_[i], steps_[i].name,
                   steps_[i].implementation);
      }
    }
    return sum;
  }

 private:
  std::shared_ptr<const runtime::Network> network_;
  std::unique_ptr<runtime::Session> session_;
  std::vector<runtime::StepInfo> steps_;
  std::vector<double> ms_;
};

}  // namespace

int main(int argc, char** argv) {
  const std::string name = argc > 1 ? argv[1] : "resnet18";
  int width = 640;
  int height = 640;
  if (argc > 2 && std::sscanf(argv[2], "%dx%d", &width, &height) != 2) return 2;
  const int runs = argc > 3 ? std::atoi(argv[3]) : 10;
  StepTimes plain(name, height, width);
  StepTimes deformable(name + std::string(models::kDeformableOption), height, width);
  for (int i = 0; i < runs; ++i) {
    plain.run();
    deformable.run();
  }
  const double plain_ms = plain.context_ms(true);
  const double deformable_ms = deformable.context_ms(true);
  fmt::print(
      "{{\"model\": \"{}\", \"height\": {}, \"width\": {}, \"plain_ms\": {:.2f}, "
      "\"deformable_ms\": {:.2f}, \"ratio\": {:.2f}}}\n",
      name, height, width, plain_ms, deformable_ms, deformable_ms / plain_ms);
}
