#include <algorithm>
#include <array>
#include <cstdio>
#include <filesystem>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "base/check.h"
#include "base/counted.h"
#include "base/cpu.h"
#include "base/file.h"
#include "cli/category_option.h"
#include "cli/dataset.h"
#include "cli/option_spelling.h"
#include "cli/overwrite_option.h"
#include "cli/progress.h"
#include "cli/tell.h"
#include "cli/threads_option.h"
#include "cli/values.h"
#include "dataset/complete_sizes.h"
#include "dataset/read_set.h"
#include "dataset/write_set.h"
#include "pipeline/output_guard.h"

namespace retinaface::cli {
namespace {

using dataset::AnnotatedImage;
using dataset::SetFormat;

constexpr std::array kWritten = {SetFormat::kLabelTxt, SetFormat::kWider, SetFormat::kCoco,
                                 SetFormat::kVoc, SetFormat::kYolo};

struct Options {
  std::string set;
  std::string images;
  dataset::ChosenCategories categories;
  std::string to;
  std::string out;
  int threads = 0;
  bool overwrite = false;
};

std::vector<std::string> written_names() {
  std::vector<std::string> names;
  for (const SetFormat format : kWritten) names.emplace_back(name_of(format));
  return names;
}

/// Takes the sizes that the annotations do not say from the images. Returns how many images
/// could not be read, each with a line on standard error.
std::size_t complete_sizes(const Options& options, dataset::TrainingSet& set) {
  ProgressLine progress("reading the sizes of images");
  return dataset::complete_sizes(
      set, thread_count(options.threads),
      [](const std::string& problem) { tell("retinaface: {}\n", problem); },
      [&](std::size_t done, std::size_t of) { progress.show(done, of); });
}

/// Whether a file holds just what would be written: then nothing is lost, and the command is one
/// that is repeated. Some formats have no place for a mark that would tell.
bool is_there_already(const dataset::SetFile& file) {
  std::error_code ignored;
  if (!std::filesystem::is_regular_file(file.path, ignored)) return false;
  if (std::filesystem::file_size(file.path, ignored) != file.content.size()) return false;
  return std::ranges::equal(read_file(file.path), std::as_bytes(std::span(file.content)));
}

/// Neither the set's own files nor other people's annotations may be lost.
void guard_output(const Options& options, const dataset::FoundSet& found, SetFormat format) {
  pipeline::OutputGuard guard(options.overwrite, kOptionSpelling);
  if (folder_exists(found.source)) {
    for (const auto& entry : std::filesystem::recursive_directory_iterator(found.source)) {
      guard.reads(entry.path());
    }
  }
  guard.reads(found.source);
  for (const AnnotatedImage& image : found.set.annotations) {
    guard.reads(found.set.images / image.path);
  }
  for (const auto& file : formatted_files(options.out, format, found.set.annotations)) {
    if (is_there_already(file)) {
      guard.continues(file.path, pipeline::OutputKind::kAnnotations);
    } else {
      guard.writes(file.path, pipeline::OutputKind::kAnnotations);
    }
  }
}

/// The formats of one file have an extension; a folder's name may end in anything.
void check_ending(const std::string& out, SetFormat format) {
  if (format == SetFormat::kVoc || format == SetFormat::kYolo || folder_exists(out)) return;
  const std::string extension[] = {format == SetFormat::kCoco ? ".json" : ".txt"};
  const std::string fault = ending_fault(out, extension);
  if (!fault.empty()) throw UsageError("--output: " + fault);
}

int run(const Options& options) {
  const auto* const format =
      std::ranges::find(kWritten, options.to, [](SetFormat written) { return name_of(written); });
  RF_CHECK(format != kWritten.end());
  check_ending(options.out, *format);
  dataset::FoundSet found = dataset::read_set(options.set, options.categories, options.images);
  // Before the images are looked at, which may take long. Where files have no mark, what is there
  // is compared with what will be written, which needs the sizes.
  const bool has_mark = *format == SetFormat::kCoco || *format == SetFormat::kVoc;
  if (has_mark) {
    guard_output(options, found, *format);
  } else {
    pipeline::OutputGuard guard(options.overwrite, kOptionSpelling);
    guard.reads(found.source);
    guard.continues(written_place(options.out, *format), pipeline::OutputKind::kAnnotations);
  }
  const bool needs_sizes = *format == SetFormat::kYolo;
  const bool says_sizes = *format == SetFormat::kCoco || *format == SetFormat::kVoc || needs_sizes;
  const std::size_t failed = says_sizes ? complete_sizes(options, found.set) : 0;
  const std::size_t left_out = found.set.left_out.size() + (needs_sizes ? failed : 0);
  for (const dataset::LeftOutImage& image : found.set.left_out) {
    tell("retinaface: {}\n", image.problem);
  }
  if (needs_sizes) std::erase_if(found.set.annotations, std::not_fn(dataset::has_size));
  if (!has_mark) guard_output(options, found, *format);
  for (const std::string& lost : lost_in(*format, found.set.annotations)) {
    tell("retinaface: {} has no place for {}\n", options.to, lost);
  }
  const auto written = write_set(options.out, *format, found.set.annotations);
  tell("retinaface: {}, from {} to {}\n", counted(found.set.annotations.size(), "image"),
       name_of(found.format), printable(written));
  if (left_out > 0) tell("retinaface: {} left out\n", counted(left_out, "image"));
  if (failed > 0 && !needs_sizes) {
    tell("retinaface: {} written without size\n", counted(failed, "image"));
  }
  return failed + left_out == 0 ? kSuccess : kSomeFailed;
}

}  // namespace

Action declare_dataset_convert(CLI::App& app) {
  const auto options = std::make_shared<Options>();
  app.add_option("SET", options->set,
                 "a set's folder, or the file of its annotations: label.txt, WIDER's bbx_gt.txt, "
                 "COCO's JSON, VOC's XML, told by their content, or YOLO's labels/ beside images/")
      ->required();
  app.add_option("--to", options->to,
                 "label: RetinaFace's label.txt; wider: WIDER FACE's bbx_gt.txt; coco: COCO's "
                 "JSON; voc: Pascal VOC's XML files; yolo: labels/ and data.yaml as Ultralytics' "
                 "programs have them")
      ->required()
      ->check(one_of(written_names()));
  app.add_option("-o,--out,--output", options->out,
                 "the file to write, or a folder; for voc the folder that gets Annotations/, for "
                 "yolo labels/")
      ->required();
  app.add_option(
      "--images", options->images,
      "folder of the images, whose sizes coco, voc and yolo need (default: looked for beside "
      "the annotations)");
  add_category_option(app, options->categories);
  add_threads_option(app, options->threads, "images read at once");
  add_overwrite_option(app, options->overwrite);
  return [options] { return run(*options); };
}

}  // namespace retinaface::cli
