// Times that users notice, as ratios of one run: what the program adds to the network's own work.
// Usage: bench_ratios   (no arguments; samples/ are the images) -> a table
// `make bench` runs it. Times are the processor's where that makes sense, so that a busy machine
// changes little; each is the best of several rounds, since other programs only ever add to a time.

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <sys/resource.h>

#include "retinaface/detector.h"

#include "base/thread_time.h"
#include "image/codecs/decoded_image.h"
#include "image/codecs/write_options.h"
#include "image/convert.h"
#include "image/resize.h"
#include "models/catalogue.h"
#include "models/load_model.h"
#include "pipeline/detect_faces.h"
#include "ratio_table.h"
#include "runtime/backends/backends.h"
#include "support/testing.h"
#include "support/wider_set.h"
#include "video/video_writer.h"

namespace retinaface {
namespace {

using benchmarks::print_ratio;
using Clock = std::chrono::steady_clock;

constexpr int kWidth = 640;
constexpr int kHeight = 480;

/// Of the children that have ended.
double children_cpu_ms() {
  rusage usage{};
  getrusage(RUSAGE_CHILDREN, &usage);
  const auto ms = [](const timeval& time) {
    return 1e3 * static_cast<double>(time.tv_sec) + 1e-3 * static_cast<double>(time.tv_usec);
  };
  return ms(usage.ru_utime) + ms(usage.ru_stime);
}

void expect(bool holds, const std::string& what) {
  if (!holds) throw Error(ErrorCode::kUnsupported, what);
}

class DefaultNetwork {
 public:
  DefaultNetwork()
      : model_(models::load_builtin_model(models::kDefaultModel)),
        network_(runtime::backends().make(model_.graph, model_.weights)),
        session_(network_->new_session()) {
    std::ranges::fill(session_->input(1, kHeight, kWidth).values(), 0.0F);
    session_->run();
  }

  double forward_ms() {
    const double start = thread_cpu_ms();
    session_->run();
    return thread_cpu_ms() - start;
  }

 private:
  models::LoadedModel model_;
  std::shared_ptr<const runtime::Network> network_;
  std::unique_ptr<runtime::Session> session_;
};

/// By the clock: what a user waits.
double first_line_ms(const std::string& image) {
  const auto start = Clock::now();
  const std::string command = "exec '" RETINAFACE_PROGRAM "' detect '" + image + "'";
  // NOLINTNEXTLINE(cert-env33-c): by the shell, as users start it
  std::FILE* const pipe = popen(command.c_str(), "r");
  expect(pipe != nullptr, "cannot start " RETINAFACE_PROGRAM);
  while (true) {
    const int c = std::fgetc(pipe);
    if (c == '\n' || c == EOF) break;
  }
  const double ms = std::chrono::duration<double, std::milli>(Clock::now() - start).count();
  expect(pclose(pipe) == 0, RETINAFACE_PROGRAM " failed on " + image);
  return ms;
}

void measure_start(DefaultNetwork& network) {
  const testing::TemporaryFolder folder;
  const std::string image = (folder / "vga.png").string();
  write_image(image,
              resize(read_image(testing::sample_folder() / "portrait.jpg"), kWidth, kHeight));
  double start = 1e9;
  double forward = 1e9;
  for (int round = 0; round < 15; ++round) {
    start = std::min(start, first_line_ms(image));
    for (int run = 0; run < 5; ++run) forward = std::min(forward, network.forward_ms());
  }
  print_ratio(start / forward, "first line of a 640x480 PNG, from the start of the program",
              "one forward pass");
}

void measure_all_sizes() {
  const Image crowd = resize(read_image(testing::sample_folder() / "crowd.webp"), 1280, 960);
  const Detector detector;
  const auto ms = [&](const DetectOptions& options) {
    const double start = thread_cpu_ms();
    detector.detect(crowd, options);
    return thread_cpu_ms() - start;
  };
  double all_sizes = 1e9;
  double one = 1e9;
  for (int round = 0; round < 9; ++round) {
    all_sizes = std::min(all_sizes, ms({}));
    one = std::min(one, ms({.scales = {1}}));
  }
  print_ratio(all_sizes / one, "faces of all sizes at 1280x960", "scales {1}");
}

void measure_reduced_images() {
  const Image crowd = resize(read_image(testing::sample_folder() / "crowd.webp"), 4000, 2500);
  const std::vector<std::byte> jpeg = encode_image("crowd.jpg", crowd, {});
  const Detector detector;
  const DetectOptions options = {.scales = {0.25F}};
  const auto ms = [&](int reduction) {
    const double start = thread_cpu_ms();
    const DecodedImage decoded = decode_image(jpeg, {}, "crowd.jpg", reduction);
    const pipeline::SeenImage seen(decoded.image, decoded);
    const auto faces = pipeline::detect_faces(detector, options, seen, "crowd.jpg").found;
    expect(!faces.empty(), "expected faces in the crowd");
    return thread_cpu_ms() - start;
  };
  const int reduction = pipeline::reduction_for(options);
  double reduced = 1e9;
  double whole = 1e9;
  for (int round = 0; round < 9; ++round) {
    reduced = std::min(reduced, ms(reduction));
    whole = std::min(whole, ms(1));
  }
  print_ratio(reduced / whole, "a JPEG of 10 megapixels to faces at scales {0.25}, reduced",
              "the whole JPEG, resized");
}

void measure_video(DefaultNetwork& network) {
  constexpr int kFrames = 60;
  const testing::TemporaryFolder folder;
  const std::string video = (folder / "video.mp4").string();
  const Image crowd = read_image(testing::sample_folder() / "crowd.webp");
  {
    video::VideoWriter writer(video, kWidth, kHeight, {.frames_per_s = 25});
    for (int i = 0; i < kFrames; ++i) {  // a view that moves
      writer.write(to_rgb(part_of(crowd, 6 * i, 200 + i, kWidth, kHeight)), i / 25.0);
    }
    writer.finish();
  }
  // All threads' time, of the whole program.
  const auto ms_per_frame = [&](const std::string& options) {
    const double before = children_cpu_ms();
    const testing::CommandResult result =
        testing::run("cd '" + folder.path().string() + "' && '" RETINAFACE_PROGRAM "' detect " +
                     options + " video.mp4");
    expect(testing::lines_of(result.output).size() == kFrames,
           "expected one line for each frame of a video: " + result.errors);
    return (children_cpu_ms() - before) / kFrames;
  };
  // The mean of as many as the video has frames: the best of a few would be luck on a busy machine.
  const auto mean_forward_ms = [&] {
    double sum = 0;
    for (int i = 0; i < kFrames; ++i) sum += network.forward_ms();
    return sum / kFrames;
  };
  double plain = 1e9;
  double drawn = 1e9;
  double forward = 1e9;
  for (int round = 0; round < 3; ++round) {
    plain = std::min(plain, ms_per_frame(""));
    drawn = std::min(drawn, ms_per_frame("--out drawn.mp4 --draw"));
    forward = std::min(forward, mean_forward_ms());
  }
  print_ratio(plain / forward, "a frame of a 640x480 video, start included", "one forward pass");
  print_ratio(drawn / forward, "the same, drawn and encoded", "one forward pass");
}

void measure_evaluation(DefaultNetwork& network) {
  const testing::TemporaryFolder folder;
  const auto set = testing::random_wider_set(61, 53, 23, 1);  // 3,233 images, 12 faces each
  write_ground_truth(set, folder / "truth");
  std::mt19937 random(2);
  const auto any = [&](unsigned n) { return static_cast<double>(random() % (100 * n)) / 100; };
  std::size_t detections = 0;
  for (const auto& image : set.images) {
    std::vector<std::string> lines;
    for (const auto& [x, y, width, height] : image.faces) {
      lines.push_back(fmt::format("{:.2f} {:.2f} {:.2f} {:.2f} {:.5f}", x + any(4), y + any(4),
                                  width + any(4), height, 0.3 + any(70) / 100));
    }
    for (auto wrong = 100 + random() % 400; wrong > 0; --wrong) {
      lines.push_back(fmt::format("{:.2f} {:.2f} {:.2f} {:.2f} {:.5f}", any(1000), any(700),
                                  any(80), any(80), 0.02 + any(30) / 100));
    }
    detections += lines.size();
    write_predictions(image, lines, folder / "predictions");
  }
  const double before = children_cpu_ms();
  const auto result = testing::run("'" RETINAFACE_PROGRAM "' evaluate wider --ground-truth '" +
                                   (folder / "truth").string() + "' --predictions '" +
                                   (folder / "predictions").string() + "'");
  const double ms_per_image = (children_cpu_ms() - before) / static_cast<double>(set.images.size());
  expect(result.exit_code == 0, result.errors);
  double forward = 1e9;
  for (int run = 0; run < 30; ++run) forward = std::min(forward, network.forward_ms());
  rusage usage{};
  getrusage(RUSAGE_CHILDREN, &usage);  // of the largest child, which is this one
  print_ratio(
      ms_per_image / forward,
      fmt::format("an image evaluated, of {} with {} detections", set.images.size(), detections),
      "one forward pass");
  print_ratio(static_cast<double>(usage.ru_maxrss) / 1024, "MiB of memory at most for that",
              "1 MiB");
}

void measure_all() {
  DefaultNetwork network;
  benchmarks::print_ratio_header();
  measure_start(network);
  measure_all_sizes();
  measure_reduced_images();
  measure_video(network);
  measure_evaluation(network);
}

}  // namespace
}  // namespace retinaface

int main() {
  try {
    retinaface::measure_all();
  } catch (const retinaface::Error& error) {
    fmt::print(stderr, "{}\n", error.what());
    return 1;
  }
  return 0;
}
