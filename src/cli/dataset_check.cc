#include <array>
#include <filesystem>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "retinaface/image.h"

#include "base/check.h"
#include "base/counted.h"
#include "base/cpu.h"
#include "base/file.h"
#include "base/ordered_pipeline.h"
#include "base/part_file.h"
#include "cli/category_option.h"
#include "cli/dataset.h"
#include "cli/option_spelling.h"
#include "cli/overwrite_option.h"
#include "cli/progress.h"
#include "cli/threads_option.h"
#include "cli/values.h"
#include "dataset/check_annotations.h"
#include "dataset/check_image.h"
#include "dataset/read_set.h"
#include "pipeline/image_outputs.h"
#include "pipeline/output_guard.h"

namespace retinaface::cli {
namespace {

namespace fs = std::filesystem;
using dataset::Defect;
using dataset::FoundDefect;

struct Options {
  std::string set;
  std::string images;
  dataset::ChosenCategories categories;
  std::string out;
  std::size_t draw = 0;
  std::size_t list = 20;
  int threads = 0;
  bool overwrite = false;
};

/// Lists findings as they come, the first of each kind, and counts all.
class Report {
 public:
  explicit Report(std::size_t listed_of_each) : listed_of_each_(listed_of_each) {}

  void add(const std::vector<FoundDefect>& findings) {
    for (const FoundDefect& finding : findings) {
      if (counts_[static_cast<std::size_t>(finding.defect)]++ < listed_of_each_) {
        fmt::print("{}\n", finding.text);
      }
    }
  }

  /// One line a kind; true when there are none.
  bool print_counts() const {
    bool sound = true;
    for (std::size_t i = 0; i < counts_.size(); ++i) {
      if (counts_[i] == 0) continue;
      if (sound) fmt::print("\nwrong\n");
      sound = false;
      const std::string hidden =
          counts_[i] > listed_of_each_ ? fmt::format(", {} listed", listed_of_each_) : "";
      fmt::print("{:10}   {}{}\n", counts_[i], dataset::name_of(static_cast<Defect>(i)), hidden);
    }
    return sound;
  }

 private:
  std::size_t listed_of_each_;
  std::array<std::size_t, dataset::kDefects> counts_{};
};

/// Where an image's drawing goes: its path below `out`, in a format that we write.
fs::path drawing_path(const fs::path& out, const std::string& image) {
  const fs::path place = pipeline::place_under(out, image);
  return can_write_image(place) ? place : place_beside(place, ".png");
}

/// What is wrong with one image's entry; the image, drawn on, goes to `drawing` unless empty.
std::vector<FoundDefect> check_image(const fs::path& images,
                                     const dataset::AnnotatedImage& annotated,
                                     const fs::path& drawing) {
  dataset::CheckedImage checked = dataset::check_image(images, annotated);
  if (!drawing.empty() && !checked.image.empty()) {
    dataset::draw_annotations(annotated, checked.image);
    make_folders(drawing.parent_path());
    write_image(drawing, checked.image);
  }
  return std::move(checked.defects);
}

void check_images(const Options& options, const dataset::TrainingSet& set, Report& report) {
  const dataset::AnnotationSet& entries = set.annotations;
  const std::vector<bool> drawn = dataset::chosen_for_drawing(entries, options.draw);
  ProgressLine progress("checking");
  std::size_t done = 0;
  run_over(
      thread_count(options.threads), entries.size(),
      [&](std::size_t i) {
        const fs::path drawing = drawn[i] ? drawing_path(options.out, entries[i].path) : fs::path();
        return check_image(set.images, entries[i], drawing);
      },
      [&](const std::vector<FoundDefect>& findings) {
        report.add(findings);
        progress.show(++done, entries.size());
      });
}

/// Before any is drawn: no image of the set, nor another file, may be lost.
void guard_drawings(const Options& options, const dataset::FoundSet& found) {
  const dataset::AnnotationSet& entries = found.set.annotations;
  const std::vector<bool> drawn = dataset::chosen_for_drawing(entries, options.draw);
  pipeline::OutputGuard guard(options.overwrite, kOptionSpelling);
  guard.reads(found.source);
  for (const dataset::AnnotatedImage& image : entries) guard.reads(found.set.images / image.path);
  for (std::size_t i = 0; i < entries.size(); ++i) {
    if (!drawn[i]) continue;
    guard.writes(drawing_path(options.out, entries[i].path), pipeline::OutputKind::kImage,
                 found.set.images / entries[i].path);
  }
}

int run(const Options& options) {
  if ((options.draw > 0) == options.out.empty()) {
    throw UsageError("--draw N and --out DIR go together");
  }
  dataset::FoundSet found = dataset::read_set(options.set, options.categories, options.images);
  fmt::print("{}: {}, images in {}\n\n", printable(found.source), name_of(found.format),
             printable(found.set.images));
  guard_drawings(options, found);
  Report report(options.list);
  report.add(dataset::check_entries(found.set.annotations));
  for (const dataset::LeftOutImage& image : found.set.left_out) {
    const Defect defect = image.is_missing ? Defect::kImageMissing : Defect::kImageUnreadable;
    report.add({{defect, image.problem}});
  }
  check_images(options, found.set, report);
  const dataset::SetSummary summary = dataset::summarise(found.set.annotations);
  fmt::print("\n{}", format_summary(summary));
  const bool is_sound = report.print_counts();
  if (summary.faces == 0) {
    fail(ErrorCode::kBadData, "{}: expected annotated faces, found none in {}",
         printable(found.source), counted(summary.images, "image"));
  }
  if (is_sound) fmt::print("\nnothing wrong\n");
  return is_sound ? kSuccess : kSomeFailed;
}

}  // namespace

Action declare_dataset_check(CLI::App& app) {
  const auto options = std::make_shared<Options>();
  app.add_option("SET", options->set,
                 "a set's folder, or the file of its annotations: label.txt, WIDER's bbx_gt.txt, "
                 "COCO's JSON, VOC's XML, told by their content, or YOLO's labels/ beside images/")
      ->required();
  app.add_option("--images", options->images,
                 "folder of the images (default: looked for beside the annotations)");
  app.add_option("-o,--out,--output", options->out, "folder for drawn samples");
  app.add_option("--draw", options->draw,
                 "draw the annotations of this many images, taken evenly from the set; "
                 "ignored faces are gray")
      ->check(whole_number(1, 1'000'000));
  app.add_option("--list", options->list, "list at most this many of each kind of defect")
      ->check(whole_number(0))
      ->capture_default_str();
  add_category_option(app, options->categories);
  add_threads_option(app, options->threads, "images read at once");
  add_overwrite_option(app, options->overwrite);
  return [options] { return run(*options); };
}

}  // namespace retinaface::cli
