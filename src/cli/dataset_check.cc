#include <algorithm>
#include <array>
#include <cstdio>
#include <filesystem>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "retinaface/error.h"
#include "retinaface/image.h"

#include "base/check.h"
#include "base/counted.h"
#include "base/cpu.h"
#include "base/file.h"
#include "base/ordered_pipeline.h"
#include "cli/category_option.h"
#include "cli/dataset.h"
#include "cli/overwrite_option.h"
#include "cli/progress.h"
#include "cli/threads_option.h"
#include "cli/values.h"
#include "dataset/annotated_image.h"
#include "dataset/check_annotations.h"
#include "dataset/read_set.h"
#include "image/draw.h"
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

/// The entry's faces on its image, those that are ignored in gray.
void draw_annotations(const fs::path& place, Image image,
                      const dataset::AnnotatedImage& annotated) {
  constexpr Color kIgnoredColor = {170, 170, 170};
  constexpr float kNowhere = std::numeric_limits<float>::quiet_NaN();
  std::vector<FaceMark> marks;
  for (const dataset::AnnotatedFace& face : annotated.faces) {
    if (face.ignored) {
      draw_box(image, face.box, kIgnoredColor);
      continue;
    }
    FaceMark& mark = marks.emplace_back(FaceMark{.box = face.box});
    for (std::size_t i = 0; i < face.points.size(); ++i) {
      const bool missing = face.points[i].state == dataset::PointState::kMissing;
      mark.landmarks[i] = missing ? Point{kNowhere, kNowhere} : face.points[i].position;
    }
  }
  draw_faces(image, marks, {.scores = false});
  make_folders(place.parent_path());
  write_image(place, image);
}

/// Where an image's drawing goes: its path below `out`, with what leads out of that taken away.
fs::path drawing_path(const fs::path& out, const std::string& image) {
  fs::path place = out;
  for (const fs::path& part : fs::path(image).relative_path()) {
    if (part != ".." && part != ".") place /= part;
  }
  if (!can_write_image(place)) place += ".png";
  return place;
}

/// Evenly among the images that have faces.
std::vector<bool> chosen_for_drawing(const dataset::AnnotationSet& set, std::size_t count) {
  std::vector<std::size_t> candidates;
  for (std::size_t i = 0; i < set.size(); ++i) {
    if (!set[i].faces.empty()) candidates.push_back(i);
  }
  std::vector<bool> chosen(set.size(), false);
  count = std::min(count, candidates.size());
  for (std::size_t i = 0; i < count; ++i) chosen[candidates[i * candidates.size() / count]] = true;
  return chosen;
}

/// What is wrong with one image's entry; the image, drawn on, goes to `drawing` unless empty.
std::vector<FoundDefect> check_image(const fs::path& images,
                                     const dataset::AnnotatedImage& annotated,
                                     const fs::path& drawing) {
  Image image;
  std::vector<FoundDefect> findings;
  try {
    // Annotations are on the stored pixels, which is how training reads them.
    image = dataset::read_annotated_image(images / annotated.path);
  } catch (const Error& error) {
    const bool missing = error.code() == ErrorCode::kNotFound;
    findings.push_back({missing ? Defect::kImageMissing : Defect::kImageUnreadable, error.what()});
  }
  const int width = image.empty() ? annotated.width : image.width();
  const int height = image.empty() ? annotated.height : image.height();
  const bool differs = (annotated.width > 0 && annotated.width != width) ||
                       (annotated.height > 0 && annotated.height != height);
  if (differs) {
    findings.push_back(
        {Defect::kSizeDiffers,
         fmt::format("{}: {} x {} pixels, its annotations say {} x {}", printable(annotated.path),
                     width, height, annotated.width, annotated.height)});
  }
  for (FoundDefect& finding : dataset::check_faces(annotated, width, height)) {
    findings.push_back(std::move(finding));
  }
  if (!drawing.empty() && !image.empty()) draw_annotations(drawing, std::move(image), annotated);
  return findings;
}

void check_images(const Options& options, const dataset::TrainingSet& set, Report& report) {
  const dataset::AnnotationSet& entries = set.annotations;
  const std::vector<bool> drawn = chosen_for_drawing(entries, options.draw);
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
  const std::vector<bool> drawn = chosen_for_drawing(entries, options.draw);
  pipeline::OutputGuard guard(options.overwrite);
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
