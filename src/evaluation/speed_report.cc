#include "evaluation/speed_report.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <tuple>
#include <vector>

#include <fmt/format.h>

#include "base/cpu.h"
#include "base/origin_mark.h"
#include "evaluation/plot.h"

namespace retinaface::evaluation {
namespace {

std::string size_of(const SpeedQuestion& question) {
  return fmt::format("{}x{}", question.width, question.height);
}

/// What a part is called, in the table's order.
struct Part {
  const char* name;
  double ms;
};

std::vector<Part> parts_of(const Speed& speed) {
  const detection::StageTimes& parts = speed.parts;
  const double known = speed.decode_image_ms + parts.resize_ms + parts.prepare_ms +
                       parts.forward_ms + parts.decode_ms + parts.suppress_ms;
  return {{"decode_image", speed.decode_image_ms},
          {"resize", parts.resize_ms},
          {"prepare", parts.prepare_ms},
          {"forward", parts.forward_ms},
          {"decode_boxes", parts.decode_ms},
          {"suppress", parts.suppress_ms},
          {"other", std::max(0.0, speed.call.median_ms - known)}};
}

double megapixels(int width, int height) {
  return 1e-6 * width * height;
}

/// Lines of one size each have a point; those of several are sorted by it.
struct Series {
  std::map<std::string, std::vector<std::pair<double, double>>> lines;

  void add(const std::string& label, double x, double y) { lines[label].emplace_back(x, y); }

  Diagram diagram(const std::string& title) const {
    Diagram diagram;
    diagram.title = title;
    diagram.x_label = "megapixels";
    diagram.y_label = "ms an image";
    diagram.x_max = diagram.y_max = 0;
    for (const auto& [label, points] : lines) {
      // From the origin, where no pixel costs nothing: so that one size is a line too.
      Line line = {
          .label = label, .x = {0}, .y = {0}, .color = static_cast<int>(diagram.lines.size())};
      std::vector<std::pair<double, double>> sorted = points;
      std::ranges::sort(sorted);
      for (const auto& [x, y] : sorted) {
        line.x.push_back(x);
        line.y.push_back(y);
        diagram.x_max = std::max(diagram.x_max, 1.05 * x);
        diagram.y_max = std::max(diagram.y_max, 1.05 * y);
      }
      diagram.lines.push_back(std::move(line));
    }
    return diagram;
  }
};

}  // namespace

std::span<const PublishedSpeed> published_speeds() {
  static constexpr PublishedSpeed kAll[] = {
      {"ResNet-152", "Tesla P40", 640, 480, 75.1},
      {"ResNet-152", "Tesla P40", 1920, 1080, 443.2},
      {"ResNet-152", "Tesla P40", 4096, 2160, 1742},
      {"MobileNet-0.25", "Tesla P40", 640, 480, 1.4},
      {"MobileNet-0.25", "Tesla P40", 1920, 1080, 6.1},
      {"MobileNet-0.25", "Tesla P40", 4096, 2160, 25.6},
      {"MobileNet-0.25", "i7-6700K, all threads", 640, 480, 5.5},
      {"MobileNet-0.25", "i7-6700K, all threads", 1920, 1080, 50.3},
      {"MobileNet-0.25", "i7-6700K, one thread", 640, 480, 17.2},
      {"MobileNet-0.25", "i7-6700K, one thread", 1920, 1080, 130.4},
      {"MobileNet-0.25", "RK3399", 640, 480, 61.2},
      {"MobileNet-0.25", "RK3399", 1920, 1080, 434.3},
  };
  return kAll;
}

std::vector<PublishedSpeed> published_speeds(const std::string& model, int width, int height) {
  const std::string_view network = model.starts_with("mnet025")     ? "MobileNet-0.25"
                                   : model.starts_with("resnet152") ? "ResNet-152"
                                                                    : "";
  std::vector<PublishedSpeed> result;
  for (const PublishedSpeed& speed : published_speeds()) {
    if (speed.network == network && speed.width == width && speed.height == height) {
      result.push_back(speed);
    }
  }
  return result;
}

std::string format_speeds(std::span<const Speed> speeds) {
  std::string text = fmt::format(
      "{:<16} {:<10} {:>10} {:<9} {:>7}  {:>9} {:>15} {:>8} {:>6}  {:>9}", "model", "backend",
      "size", "type", "threads", "forward", "spread", "GMAC/s", "peak", "call");
  if (!speeds.empty()) {
    for (const Part& part : parts_of(speeds.front())) text += fmt::format(" {:>12}", part.name);
  }
  text += fmt::format(" {:>9}\n", "memory");
  for (const Speed& speed : speeds) {
    const SpeedQuestion& q = speed.question;
    text += fmt::format(
        "{:<16} {:<10} {:>10} {:<9} {:>7}  {:>6.2f} ms {:>15} {:>8.1f} {:>6}  {:>6.2f} ms",
        speed.model, q.backend, size_of(q), graph::to_string(q.type), q.threads,
        speed.forward.median_ms,
        fmt::format("{:.2f} to {:.2f}", speed.forward.quarter_ms, speed.forward.three_quarters_ms),
        1e-9 * speed.multiply_adds_per_s(),
        speed.peak_per_s > 0
            ? fmt::format("{:.0f} %", 100 * speed.multiply_adds_per_s() / speed.peak_per_s)
            : "-",
        speed.call.median_ms);
    for (const Part& part : parts_of(speed)) {
      text += fmt::format(" {:>10.1f} %", 100 * part.ms / speed.call.median_ms);
    }
    text += speed.peak_memory_bytes > 0
                ? fmt::format(" {:>6.0f} MB\n", 1e-6 * static_cast<double>(speed.peak_memory_bytes))
                : fmt::format(" {:>9}\n", "-");
  }
  text +=
      "\nforward: the network alone, median and middle half, of one image: of T threads each "
      "works\n"
      "on an image of its own, whose time counts 1/T. peak: of the multiply-adds that the cores "
      "do\n"
      "at most in that type (convolutions done directly; Winograd's algorithm needs fewer, so "
      "float32\n"
      "may be above). call: from a JPEG in memory to faces, and its parts.\n";
  if (std::ranges::any_of(speeds, &Speed::random_weights)) {
    text +=
        "Weights are random where a model has none here: what the call finds, and the time that "
        "takes, "
        "is chance.\n";
  }
  std::string published;
  std::vector<std::tuple<std::string, int, int>> done;
  for (const Speed& speed : speeds) {
    const SpeedQuestion& q = speed.question;
    for (const PublishedSpeed& paper : published_speeds(speed.model, q.width, q.height)) {
      const std::tuple key(std::string(paper.network) + paper.machine, q.width, q.height);
      if (std::ranges::find(done, key) != done.end()) continue;
      done.push_back(key);
      published += fmt::format("{:<16} {:>10}  {:>8.1f} ms  {}\n", paper.network, size_of(q),
                               paper.ms, paper.machine);
    }
  }
  if (!published.empty()) text += "\nThe RetinaFace paper's:\n" + published;
  return text;
}

nlohmann::ordered_json to_json(std::span<const Speed> speeds) {
  nlohmann::ordered_json list = nlohmann::ordered_json::array();
  for (const Speed& speed : speeds) {
    const SpeedQuestion& q = speed.question;
    nlohmann::ordered_json row = {{"model", speed.model},
                                  {"backend", q.backend},
                                  {"size", size_of(q)},
                                  {"type", graph::to_string(q.type)},
                                  {"threads", q.threads},
                                  {"median_ms", speed.forward.median_ms},
                                  {"min_ms", speed.forward.min_ms},
                                  {"quarter_ms", speed.forward.quarter_ms},
                                  {"three_quarters_ms", speed.forward.three_quarters_ms},
                                  {"runs", speed.forward.runs},
                                  {"multiply_adds", speed.multiply_adds},
                                  {"multiply_adds_per_s", speed.multiply_adds_per_s()}};
    if (speed.peak_per_s > 0) {
      row["peak_per_s"] = speed.peak_per_s;
      row["share_of_peak"] = speed.multiply_adds_per_s() / speed.peak_per_s;
    }
    row["call_median_ms"] = speed.call.median_ms;
    row["call_min_ms"] = speed.call.min_ms;
    row["call_quarter_ms"] = speed.call.quarter_ms;
    row["call_three_quarters_ms"] = speed.call.three_quarters_ms;
    row["call_runs"] = speed.call.runs;
    for (const Part& part : parts_of(speed)) {
      row["call_parts_ms"][part.name] = part.ms;
      row["call_shares"][part.name] = part.ms / speed.call.median_ms;
    }
    row["faces"] = speed.faces;
    if (speed.peak_memory_bytes > 0) row["peak_memory_bytes"] = speed.peak_memory_bytes;
    row["random_weights"] = speed.random_weights;
    for (const PublishedSpeed& paper : published_speeds(speed.model, q.width, q.height)) {
      row["paper_ms"][paper.machine] = paper.ms;
    }
    row["simd"] = to_string(simd_level());
    row["origin"] = kOriginMark;
    list.push_back(std::move(row));
  }
  return list;
}

void draw_speeds(const std::filesystem::path& path, std::span<const Speed> speeds) {
  Series forward;
  Series call;
  for (const Speed& speed : speeds) {
    const SpeedQuestion& q = speed.question;
    const std::string label =
        fmt::format("{}, {}, {}, {} thread{}", speed.model, q.backend, graph::to_string(q.type),
                    q.threads, q.threads == 1 ? "" : "s");
    const double x = megapixels(q.width, q.height);
    forward.add(label, x, speed.forward.median_ms);
    call.add(label, x, speed.call.median_ms);
  }
  std::vector<const PublishedSpeed*> drawn;
  for (const PublishedSpeed& paper : published_speeds()) {
    const bool measured = std::ranges::any_of(speeds, [&](const Speed& speed) {
      const SpeedQuestion& q = speed.question;
      return std::ranges::any_of(published_speeds(speed.model, q.width, q.height),
                                 [&](const PublishedSpeed& other) {
                                   return other.ms == paper.ms && other.width == paper.width;
                                 });
    });
    // A board's times would flatten all other lines.
    if (!measured || std::string_view(paper.machine) == "RK3399") continue;
    forward.add(fmt::format("paper: {}, {}", paper.network, paper.machine),
                megapixels(paper.width, paper.height), paper.ms);
  }
  const Diagram diagrams[] = {forward.diagram("the network alone"),
                              call.diagram("from a JPEG to faces")};
  draw_diagrams(path, diagrams);
}

}  // namespace retinaface::evaluation
