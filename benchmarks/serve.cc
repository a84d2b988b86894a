// What the service costs: images a second by HTTP over loopback, of those that `detect` does of the
// same folder, both on all cores of this machine. The clients' own time is part of it.
//
//   bench_serve [IMAGE] [COUNT]

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <thread>
#include <vector>

#include <fmt/format.h>

#include "base/cpu.h"
#include "base/file.h"
#include "base/text.h"
#include "pipeline/detection_job.h"
#include "server/http_server.h"
#include "support/http_client.h"
#include "support/testing.h"

namespace retinaface {
namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

double by_folder(const Detector& detector, const std::filesystem::path& image, int count) {
  const testing::TemporaryFolder folder;
  pipeline::DetectionJob job;
  for (int i = 0; i < count; ++i) {
    const auto path = folder / (std::to_string(i) + image.extension().string());
    std::filesystem::copy_file(image, path);
    job.inputs.push_back({path, {}});
  }
  job.output = (folder / "faces.jsonl").string();
  job.model = "mnet025";
  const auto start = Clock::now();
  pipeline::run_detection(job, detector, {}, std::atomic<bool>(false));
  return count / seconds_since(start);
}

double by_http(const Detector& detector, const std::string& body, int count) {
  server::Service service(detector, {});
  server::HttpServer http(service, {.port = 0});
  std::jthread thread([&] { http.run(); });
  const std::uint16_t port = testing::port_of(http.url());
  const std::string request = testing::http_request("POST", "/v1/detect", body);
  std::atomic<int> left = count;
  const auto start = Clock::now();
  {
    // Twice the workers, so that none waits for a client.
    std::vector<std::jthread> clients;
    for (int i = 0; i < 2 * core_count(); ++i) {
      clients.emplace_back([&] {
        testing::HttpConnection connection(port);
        while (left-- > 0) {
          connection.send(request);
          if (connection.receive().status != 200) std::abort();
        }
      });
    }
  }
  const double rate = count / seconds_since(start);
  http.stop();
  return rate;
}

int run(int argc, char** argv) {
  const std::filesystem::path image =
      argc > 1 ? argv[1] : (testing::sample_folder() / "portrait.jpg").string();
  const int count = argc > 2 ? std::atoi(argv[2]) : 100;
  const Detector detector;
  const std::vector<std::byte> bytes = read_file(image);
  const std::string body(text_of(bytes));
  std::vector<double> ratios;
  fmt::print("images/s of {}\n{:>8} {:>8} {:>8}\n", image.filename().string(), "folder", "HTTP",
             "ratio");
  for (int run = 0; run < 5; ++run) {
    const double folder = by_folder(detector, image, count);
    const double http = by_http(detector, body, count);
    ratios.push_back(http / folder);
    fmt::print("{:>8.1f} {:>8.1f} {:>8.2f}\n", folder, http, ratios.back());
  }
  std::ranges::sort(ratios);
  fmt::print("median ratio {:.2f}\n", ratios[ratios.size() / 2]);
  return 0;
}

}  // namespace
}  // namespace retinaface

int main(int argc, char** argv) {
  return retinaface::run(argc, argv);
}
