#include "training/checkpoint.h"

#include <algorithm>
#include <cmath>
#include <sstream>
#include <utility>

#include "base/check.h"
#include "base/file.h"
#include "base/number_text.h"
#include "base/plain_file.h"
#include "graph/weights.h"

namespace retinaface::training {
namespace {

constexpr const char* kFormat = "retinaface training checkpoint 2";
constexpr const char* kValue = "value/";
constexpr const char* kMomentum = "momentum/";
constexpr const char* kSquare = "square/";
constexpr const char* kAverage = "average/";

/// Nothing where `flat` is empty.
void put(graph::Weights& file, const char* prefix, std::span<const float> flat,
         std::span<const runtime::ParameterSlot> parameters) {
  if (flat.empty()) return;
  for (const runtime::ParameterSlot& slot : parameters) {
    graph::Tensor tensor = graph::Tensor::of_shape(slot.shape);
    std::ranges::copy(flat.subspan(slot.offset, slot.size), tensor.values().begin());
    file.tensors.emplace(prefix + slot.name, std::move(tensor));
  }
}

std::vector<float> take(const graph::Weights& file, const char* prefix,
                        std::span<const runtime::ParameterSlot> parameters,
                        const std::string& source) {
  std::vector<float> flat;
  for (const runtime::ParameterSlot& slot : parameters) {
    const auto found = file.tensors.find(prefix + slot.name);
    if (found == file.tensors.end() || found->second.shape != slot.shape) {
      fail(ErrorCode::kBadData, "{}: expected a tensor {}{} of shape {}", source, prefix, slot.name,
           graph::to_string(slot.shape));
    }
    const graph::Tensor tensor = graph::as_float32(found->second);
    flat.insert(flat.end(), tensor.values().begin(), tensor.values().end());
  }
  return flat;
}

bool has(const graph::Weights& file, const char* prefix) {
  return std::ranges::any_of(file.tensors,
                             [&](const auto& entry) { return entry.first.starts_with(prefix); });
}

template <typename T>
T number(const graph::Weights& file, const std::string& key, const std::string& source) {
  const auto found = file.metadata.find(key);
  const std::string text = found == file.metadata.end() ? "nothing" : found->second;
  const auto value = read_number<T>(text);
  if (!value) {
    fail(ErrorCode::kBadData, "{}: expected a number as '{}', found {}", source, key,
         excerpt(text));
  }
  return *value;
}

/// The first line of each text that the other has not in its place.
std::pair<std::string, std::string> first_difference(const std::string& a, const std::string& b) {
  std::istringstream lines_a(a);
  std::istringstream lines_b(b);
  std::string line_a;
  std::string line_b;
  do {
    line_a = line_b = "nothing more";
    if (!std::getline(lines_a, line_a)) line_a = "nothing more";
    if (!std::getline(lines_b, line_b)) line_b = "nothing more";
  } while (line_a == line_b && lines_a && lines_b);
  return {line_a, line_b};
}

}  // namespace

void write_checkpoint(const std::filesystem::path& path, const Checkpoint& checkpoint,
                      std::span<const runtime::ParameterSlot> parameters) {
  graph::Weights file;
  file.metadata = {{"format", kFormat},
                   {"step", fmt::to_string(checkpoint.step)},
                   {"seed", fmt::to_string(checkpoint.seed)},
                   {"metrics_bytes", fmt::to_string(checkpoint.logged.metrics)},
                   {"events_bytes", fmt::to_string(checkpoint.logged.events)},
                   {"run", checkpoint.run}};
  if (checkpoint.best) file.metadata["best"] = fmt::to_string(*checkpoint.best);
  put(file, kValue, checkpoint.values, parameters);
  put(file, kMomentum, checkpoint.optimizer.momenta, parameters);
  put(file, kSquare, checkpoint.optimizer.squares, parameters);
  put(file, kAverage, checkpoint.average, parameters);
  graph::write_safetensors(path, file);
}

Checkpoint read_checkpoint(const std::filesystem::path& path,
                           std::span<const runtime::ParameterSlot> parameters) {
  expect_plain_file(path);
  const graph::Weights file = graph::read_safetensors(path);
  const std::string source = printable(path);
  const auto format = file.metadata.find("format");
  if (format == file.metadata.end() || format->second != kFormat) {
    fail(ErrorCode::kBadData, "{}: expected a file of the format '{}', found '{}'", source, kFormat,
         format == file.metadata.end() ? "" : excerpt(format->second));
  }
  Checkpoint checkpoint;
  checkpoint.step = number<std::int64_t>(file, "step", source);
  if (checkpoint.step < 0) {
    fail(ErrorCode::kBadData, "{}: expected a step from 0 on, found {}", source, checkpoint.step);
  }
  checkpoint.seed = number<std::uint64_t>(file, "seed", source);
  checkpoint.logged.metrics = number<std::uint64_t>(file, "metrics_bytes", source);
  checkpoint.logged.events = number<std::uint64_t>(file, "events_bytes", source);
  if (file.metadata.contains("best")) checkpoint.best = number<double>(file, "best", source);
  if (checkpoint.best && !std::isfinite(*checkpoint.best)) {
    fail(ErrorCode::kBadData, "{}: expected a finite number as 'best', found {}", source,
         *checkpoint.best);
  }
  if (const auto run = file.metadata.find("run"); run != file.metadata.end()) {
    checkpoint.run = run->second;
  }
  checkpoint.values = take(file, kValue, parameters, source);
  checkpoint.optimizer.momenta = take(file, kMomentum, parameters, source);
  if (has(file, kSquare)) checkpoint.optimizer.squares = take(file, kSquare, parameters, source);
  if (has(file, kAverage)) checkpoint.average = take(file, kAverage, parameters, source);
  return checkpoint;
}

void expect_run(const Checkpoint& checkpoint, std::uint64_t seed, const std::string& run,
                const Optimizer& optimizer, const std::string& source) {
  constexpr const char* kRemedy = "go on as it was begun, or choose another folder";
  if (checkpoint.seed != seed) {
    fail(ErrorCode::kBadData, "{}: is of a run with the seed {}, not {}; {}", source,
         checkpoint.seed, seed, kRemedy);
  }
  if (checkpoint.run != run) {
    const auto [expected, found] = first_difference(run, checkpoint.run);
    fail(ErrorCode::kBadData, "{}: is of another run: expected '{}', found '{}'; {}", source,
         excerpt(expected), excerpt(found), kRemedy);
  }
  if (checkpoint.optimizer.squares.size() != optimizer.state().squares.size()) {
    fail(ErrorCode::kBadData, "{}: expected squares of gradients if the recipe's method has them",
         source);
  }
}

}  // namespace retinaface::training
