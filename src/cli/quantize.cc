#include <algorithm>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "retinaface/image.h"

#include "base/check.h"
#include "base/counted.h"
#include "base/file.h"
#include "cli/command.h"
#include "cli/left_inputs.h"
#include "cli/option_spelling.h"
#include "cli/overwrite_option.h"
#include "cli/progress.h"
#include "cli/tell.h"
#include "cli/values.h"
#include "evaluation/calibrate.h"
#include "graph/weights.h"
#include "image/codecs/image_name.h"
#include "image/resize.h"
#include "models/load_model.h"
#include "pipeline/frames_left.h"
#include "pipeline/inputs.h"
#include "pipeline/output_guard.h"
#include "pipeline/read_input.h"

namespace retinaface::cli {
namespace {

struct Options {
  std::string model;
  std::string images;
  std::string output;
  std::string method = "error";
  std::int64_t count = 512;
  double max_error = evaluation::CalibrationOptions{}.max_error;
  bool overwrite = false;
};

evaluation::RangeMethod method_of(const std::string& name) {
  return name == "minmax"       ? evaluation::RangeMethod::kMinMax
         : name == "percentile" ? evaluation::RangeMethod::kPercentile
                                : evaluation::RangeMethod::kMinError;
}

struct ImagesRead {
  std::vector<Image> images;
  bool were_all_read = true;
};

/// Made smaller where it is large, as detection has it in its image pyramid; `frames_left` notes
/// how many frames it has.
Image read_one(const pipeline::Input& input, const ReadOptions& options,
               pipeline::FramesLeft& frames_left) {
  if (!input.problem.empty()) {
    fail(ErrorCode::kUnreadable, "{}: {}", printable(input.path), input.problem);
  }
  constexpr int kMaxSide = 1024;
  pipeline::ReadInput read = pipeline::read_input(input.path, options);
  frames_left.note(input.path, read.frames);
  Image image = std::move(read.decoded.image);
  const int side = std::max(image.width(), image.height());
  if (side <= kMaxSide) return image;
  return resize(image, std::max(1, image.width() * kMaxSide / side),
                std::max(1, image.height() * kMaxSide / side));
}

/// Up to `count` images, spread over the folder; others of it in the place of those that cannot be
/// read, which are named.
ImagesRead read_images(const Options& options, pipeline::OutputGuard& guard) {
  pipeline::LeftOut left_out;
  std::vector<pipeline::Input> inputs = pipeline::find_inputs({options.images}, {}, &left_out);
  std::erase_if(inputs, [&](const pipeline::Input& input) {
    const bool is_video = input.problem.empty() && input.is_video();
    if (is_video) ++left_out[lower_case_extension(input.path)];
    return is_video;
  });
  const auto count = std::min(static_cast<std::size_t>(options.count), inputs.size());
  std::vector<pipeline::Input> order;
  for (std::size_t i = 0; i < count; ++i) order.push_back(inputs[i * inputs.size() / count]);
  for (std::size_t i = 0, spread = 0; i < inputs.size(); ++i) {
    const bool is_taken = spread < count && i == spread * inputs.size() / count;
    if (is_taken) ++spread;
    if (!is_taken) order.push_back(inputs[i]);
  }
  ImagesRead read;
  ProgressLine progress("reading images");
  ReadOptions read_options;
  read_options.warn = [&](const std::string& line) {
    progress.hide();
    tell("retinaface: {}\n", line);
  };
  pipeline::FramesLeft frames_left;
  for (const pipeline::Input& input : order) {
    if (read.images.size() == count) break;
    guard.reads(input.path);
    try {
      read.images.push_back(read_one(input, read_options, frames_left));
      progress.show(read.images.size(), count);
    } catch (const Error& error) {
      progress.hide();
      tell("retinaface: {}; left out\n", error.what());
      read.were_all_read = false;
    }
  }
  progress.hide();
  tell_what_was_left(left_out, frames_left.line());
  if (read.images.empty()) {
    fail(ErrorCode::kNotFound, "{}: expected images to calibrate on, found none",
         printable(options.images));
  }
  return read;
}

int quantize(const Options& options) {
  if (lower_case_extension(options.output) != ".safetensors") {
    throw UsageError(fmt::format("--output: expected a name that ends in .safetensors, found {}",
                                 printable(options.output)));
  }
  pipeline::OutputGuard guard(options.overwrite, kOptionSpelling);
  guard.reads_model(options.model);
  guard.writes(options.output, pipeline::OutputKind::kWeights);
  models::LoadedModel model = models::load_model_by_name_or_path(options.model);
  models::expect_one_network_detector(model, "quantize");
  const auto [images, were_all_read] = read_images(options, guard);
  constexpr std::size_t kEnough = 32;
  if (images.size() < kEnough) {
    tell("retinaface: {} tell little of what will occur{}; some hundred are enough\n",
         counted(images.size(), "image"),
         images.size() < evaluation::kFewImages ? ", and there are none left to judge by" : "");
  }
  const evaluation::CalibrationResult result = [&] {
    ProgressLine progress("calibrating");
    return evaluation::calibrate(
        model, images, {.method = method_of(options.method), .max_error = options.max_error},
        [&](std::size_t done, std::size_t of) { progress.show(done, of); });
  }();
  fmt::print("{}; squared error of the outputs, of their variance: {:.3g}",
             counted(images.size(), "image"), result.error_of_all);
  if (!result.calibration.float_layers.empty()) {
    fmt::print(", with layers in float32 {:.3g}", result.error);
  }
  fmt::print("\n");
  if (!result.gains.empty()) fmt::print("{:<40} {:>10}\n", "layer", "of that");
  constexpr std::size_t kShown = 10;
  for (std::size_t i = 0; i < result.gains.size(); ++i) {
    const evaluation::LayerGain& gain = result.gains[i];
    const bool in_float = result.calibration.float_layers.contains(gain.layer);
    if (i >= kShown && !in_float) break;
    fmt::print("{:<40} {:>8.1f} %{}\n", gain.layer, 100 * gain.share,
               in_float ? "  stays in float32" : "");
  }
  if (result.error > graph::kMaxCalibrationError) {
    tell("retinaface: --type auto will not take int8 with this file: its error is over {}\n",
         graph::kMaxCalibrationError);
  }
  graph::write_safetensors(options.output, models::whole_weights(std::move(model)));
  return were_all_read ? kSuccess : kSomeFailed;
}

}  // namespace

Action declare_quantize(CLI::App& app) {
  const auto options = std::make_shared<Options>();
  app.add_option("MODEL", options->model, "name of a model, or a .safetensors file")->required();
  app.add_option("--images", options->images,
                 "folder of images like those that faces will be looked for in; some hundred are "
                 "enough, and none of a set that is judged by")
      ->required();
  app.add_option("-o,--output", options->output,
                 "the model with its calibration (.safetensors), for --type int8; in float32 it is "
                 "as it was")
      ->required();
  app.add_option("--method", options->method,
                 "how ranges are chosen: minmax, all that occurs; percentile, all but 0.01 % at "
                 "either end; error, the least squared error")
      ->check(one_of({"minmax", "percentile", "error"}))
      ->capture_default_str();
  app.add_option("--count", options->count, "number of images, spread over the folder")
      ->check(whole_number(1, 100000))
      ->capture_default_str();
  app.add_option("--max-error", options->max_error,
                 "layers stay in float32, those first that save most, until the outputs' squared "
                 "error is at most this share of their variance")
      ->check(number(0))
      ->capture_default_str();
  add_overwrite_option(app, options->overwrite);
  return [options] { return quantize(*options); };
}

}  // namespace retinaface::cli
