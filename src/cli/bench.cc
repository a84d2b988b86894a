#include <algorithm>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "retinaface/image.h"

#include "base/cpu.h"
#include "cli/backend_option.h"
#include "cli/command.h"
#include "cli/option_spelling.h"
#include "cli/overwrite_option.h"
#include "cli/progress.h"
#include "cli/report_option.h"
#include "cli/values.h"
#include "evaluation/plot.h"
#include "evaluation/speed.h"
#include "evaluation/speed_report.h"
#include "graph/weights.h"
#include "models/builtin_weights.h"
#include "models/catalogue.h"
#include "models/load_model.h"
#include "models/model_files.h"
#include "pipeline/json_report.h"
#include "pipeline/output_guard.h"
#include "runtime/backends/backends.h"
#include "runtime/backends/type_name.h"

namespace retinaface::cli {
namespace {

struct Options {
  std::vector<std::string> models = {std::string(models::kDefaultModel)};
  std::vector<std::string> sizes = {"640x480", "1920x1080", "4096x2160"};
  std::vector<std::string> types;
  std::vector<int> threads;
  std::string backend;
  std::string image;
  double seconds = 1;
  std::string json;
  std::string chart;
  bool overwrite = false;
};

struct OpenedModel {
  models::LoadedModel loaded;
  bool random = false;
};

/// A row without weights here is as fast with random ones.
OpenedModel open_model(const std::string& name) {
  const models::Model* const row = models::find_row(name);
  if (row == nullptr || !models::builtin_weights(name).empty() || models::find_model_file(name)) {
    return {models::load_model_by_name_or_path(name)};
  }
  graph::Graph graph = row->network.build();
  graph::Weights weights = graph::random_weights(graph, 1);
  return {{row, std::move(graph), std::move(weights)}, true};
}

/// Unless it is there: a row that is asked for twice is measured once.
template <typename T>
void add_new(std::vector<T>& values, const T& value) {
  if (std::ranges::find(values, value) == values.end()) values.push_back(value);
}

/// Of those that were asked for, or all that the backend has for the model on this processor.
std::vector<graph::DataType> types_for(const Options& options, const models::LoadedModel& model,
                                       const std::string& backend) {
  std::vector<graph::DataType> types;
  for (const std::string& name : options.types) {
    add_new(types, runtime::type_of(name, model.graph, model.weights, backend));
  }
  if (!types.empty()) return types;
  for (const graph::DataType type :
       runtime::backends().types_for(model.graph, model.weights, backend)) {
    types.push_back(type);
  }
  return types;
}

int measure(const Options& options) {
  std::vector<ImageSize> sizes;
  for (const std::string& size : options.sizes) add_new(sizes, parse_size("--size", size));
  std::vector<int> asked_threads = options.threads;
  if (asked_threads.empty()) asked_threads = {1, 0};
  std::vector<int> threads;
  for (const int count : asked_threads) add_new(threads, thread_count(count));
  pipeline::OutputGuard guard(options.overwrite, kOptionSpelling);
  for (const std::string& model : options.models) guard.reads_model(model);
  if (!options.image.empty()) guard.reads(options.image);
  if (!options.json.empty()) guard.writes(options.json, pipeline::OutputKind::kReport);
  if (!options.chart.empty()) {
    evaluation::check_drawable(options.chart);
    guard.writes(options.chart, pipeline::OutputKind::kFigure);
  }

  std::vector<OpenedModel> models;
  for (const std::string& name : options.models) models.push_back(open_model(name));
  struct Row {
    const OpenedModel* model;
    evaluation::SpeedQuestion question;
  };
  std::vector<Row> rows;
  for (const OpenedModel& model : models) {
    const models::LoadedModel& loaded = model.loaded;
    const std::string backend =
        options.backend.empty()
            ? runtime::backends().first_able(loaded.graph, loaded.weights, {}).name
            : options.backend;
    for (const graph::DataType type : types_for(options, model.loaded, backend)) {
      for (const ImageSize& size : sizes) {
        for (const int count : threads) {
          rows.push_back({&model, {backend, size.width, size.height, type, count}});
        }
      }
    }
  }

  const Image image =
      options.image.empty() ? evaluation::drawn_image(640, 480) : read_image(options.image);
  std::vector<evaluation::Speed> speeds;
  {
    ProgressLine progress("measuring");
    for (const Row& row : rows) {
      progress.show(speeds.size(), rows.size());
      speeds.push_back(
          evaluation::measure_speed(row.model->loaded, row.question, image, options.seconds));
      speeds.back().random_weights = row.model->random;
    }
  }
  print_table(options.json, "{}", evaluation::format_speeds(speeds));
  if (!options.json.empty()) {
    pipeline::write_report(options.json, evaluation::to_json(speeds).dump(1) + "\n");
  }
  if (!options.chart.empty()) evaluation::draw_speeds(options.chart, speeds);
  return kSuccess;
}

}  // namespace

Action declare_bench(CLI::App& app) {
  const auto options = std::make_shared<Options>();
  app.add_option("--model", options->models,
                 "names of models, or .safetensors files; a model without weights here is measured "
                 "with random ones")
      ->capture_default_str();
  app.add_option("--size", options->sizes, "sizes of images, WIDTHxHEIGHT")->capture_default_str();
  app.add_option("--type", options->types,
                 "numbers that the network computes in (default: all that the backend, the "
                 "processor and the model have)")
      ->check(one_of(runtime::type_names()));
  app.add_option("--threads", options->threads,
                 "numbers of threads, each with an image of its own; 0: as many as the process has "
                 "cores to run on (default: 1 and 0)")
      ->check(whole_number(0, 1024));
  add_backend_option(app, options->backend, false);
  app.add_option("--image", options->image,
                 "an image to measure on, resized to each size (default: a drawn one, without "
                 "faces); the number of faces changes what decoding and suppression take");
  app.add_option("--seconds", options->seconds,
                 "how long to measure the network, and the whole call, of each row at least")
      ->check(number(0, 3600))
      ->capture_default_str();
  add_report_option(app, options->json, "write the figures to this file");
  app.add_option("--chart", options->chart,
                 "draw them into this file (.png, .svg, .pdf; needs gnuplot)");
  add_overwrite_option(app, options->overwrite);
  return [options] { return measure(*options); };
}

}  // namespace retinaface::cli
