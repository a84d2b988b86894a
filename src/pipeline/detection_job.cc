#include "pipeline/detection_job.h"

#include <algorithm>
#include <optional>
#include <string_view>
#include <system_error>
#include <utility>

#include <fmt/format.h>
#include <unistd.h>

#include "retinaface/blur.h"

#include "base/check.h"
#include "base/cpu.h"
#include "base/file.h"
#include "base/ordered_pipeline.h"
#include "base/plain_file.h"
#include "detection/detector_factory.h"
#include "pipeline/detection_report.h"
#include "pipeline/earlier_run.h"
#include "pipeline/image_source.h"
#include "pipeline/job_check.h"
#include "pipeline/job_request.h"
#include "pipeline/mesh_files.h"
#include "pipeline/output_guard.h"
#include "pipeline/problem.h"
#include "pipeline/read_input.h"
#include "pipeline/request_record.h"
#include "pipeline/result_file.h"

namespace retinaface::pipeline {
namespace {

namespace fs = std::filesystem;

/// `stop` ends the wait for a pipe.
SeenImage read(const ReadOptions& options, int reduction, const std::atomic<bool>& stop,
               InputImage& image) {
  ReadInput read = read_input(image.path, image.content, options, reduction, stop);
  image.image = std::move(read.decoded.image);
  image.notes = std::move(read.decoded.notes);
  image.frames = read.frames;
  return {image.image, read.decoded};
}

ReadOptions read_options_of(const DetectionJob& job) {
  return {.max_pixels = job.max_pixels, .background = job.background, .strict = job.strict};
}

Outcome detect(const DetectionJob& job, const Detector& detector, const std::atomic<bool>& stop,
               InputImage image) {
  Outcome outcome{std::move(image)};
  InputImage& in = outcome.image;
  if (!in.problem.empty() || in.is_end_of_video()) return outcome;
  in.problem = problem_of(in.path, [&] {
    const bool is_frame = in.frame.has_value();
    ReadOptions options = read_options_of(job);
    options.warn = [&in](const std::string& line) { in.warnings.push_back(line); };
    const SeenImage seen =
        is_frame ? SeenImage(in.image) : read(options, job.reduction(), stop, in);
    DetectedFaces detection = detect_faces(detector, job, seen, in.path, in.frame);
    const std::vector<Face>& faces = detection.result.faces;
    if (is_frame) outcome.scene = SceneSignature(in.image);
    FaceImages cut = cut_faces(job.images, in.image, faces);
    if (!is_frame) remove_earlier(job.images, in.path, FrameKind::kImage);
    if (!is_frame) write_faces(job.images, in.path, std::nullopt, {}, cut);
    if (!is_frame && !job.images.mesh_folder.empty()) {
      write_meshes(job.images.mesh_folder, in.path, std::nullopt, {}, faces);
    }
    if (job.images.blur)
      detection.hidden = faces_to_hide(detector, job.detect, in.image, detection);
    if (!is_frame && job.images.annotates()) {
      blur_faces(in.image, detection.hidden);
      annotate(job.images, faces, {}, in.image);
      write_annotated(job.images, in.path, in.image, in.notes);
    }
    // What a video's frames leave behind is written when they have their tracks.
    if (is_frame) outcome.faces = std::move(cut);
    if (!is_frame || !job.images.annotates()) in.image = Image();
    outcome.detection = std::move(detection);
  });
  outcome.was_interrupted = !in.problem.empty() && stop;
  return outcome;
}

/// The file or folder of results that a job can go on with.
fs::path results_of(const DetectionJob& job) {
  return job.writes_wider() ? job.images.folder : fs::path(job.output);
}

/// The record of the results that a later job can go on with, if they are such.
std::optional<RequestRecord> record_of(const DetectionJob& job) {
  if (job.writes_wider()) {
    return RequestRecord(job.images.folder / ".request.json", results_of(job), job.spelling);
  }
  if (!job.writes_file() || job.format != "jsonl") return std::nullopt;
  fs::path file = record_beside(job.output);
  if (file.empty()) return std::nullopt;
  return RequestRecord(std::move(file), results_of(job), job.spelling);
}

bool has_results(const DetectionJob& job) {
  if (job.writes_wider()) return has_wider_results(job.images.folder);
  std::error_code ignored;
  return fs::exists(results_of(job), ignored) && !fs::is_empty(results_of(job), ignored);
}

/// What the results of earlier runs are to a job.
enum class Earlier {
  kNothing,  ///< there are none, or they are begun anew
  kKnown,    ///< they are gone on with, and were made as is asked for now
  kUnknown   ///< they are gone on with, and do not say how they were made
};

/// What was done before must have been done as it is asked for now.
Earlier check_resumed(const DetectionJob& job, const std::optional<RequestRecord>& record,
                      const Request& request) {
  if (!job.resume || !has_results(job)) return Earlier::kNothing;
  if (!record || !record->exists()) return Earlier::kUnknown;
  record->check(request);
  return Earlier::kKnown;
}

void tell_of_unknown(const DetectionJob& job, const DetectionEvents& events) {
  if (!events.message) return;
  events.message(fmt::format(
      "{}: does not say with which options it was begun (an older version wrote it, or its record "
      "is gone); what it holds is kept as it is",
      printable(results_of(job))));
}

/// Begins the results in a folder: those of the inputs that other options gave are removed, so that
/// no later run takes them for new ones. The record says if those of other images are left. It is
/// written when those are gone and before there is a new result, so that the former or the new one
/// is true of the folder whenever the run is killed.
void begin_folder(const DetectionJob& job, const RequestRecord& record, const Request& request) {
  make_folders(job.images.folder);
  if (!job.resume) {
    for (const Input& input : job.inputs) {
      if (!input.problem.empty()) continue;
      remove_wider(job.images.folder, input.path, input.gives_frames());
    }
  }
  record.write(request, !record.is_of(request) && has_results(job));
}

/// Checks before any work that nothing is destroyed by what will be written.
void guard_outputs(const DetectionJob& job, const std::optional<RequestRecord>& record) {
  if (job.output == kStandardStream) OutputGuard::check_standard_output(job.inputs);
  if (!job.writes_file() && job.images.folder.empty() && job.images.mesh_folder.empty()) return;
  OutputGuard guard(job.overwrite, job.spelling);
  for (const fs::path& path : job.read) guard.reads(path);
  guard.reads_model(job.model);
  guard.reads_model(job.recognizer_name);
  for (const Input& input : job.inputs) {
    if (input.problem.empty()) guard.reads(input.path);
  }
  if (job.writes_file() && job.resume) {
    guard.continues(job.output, OutputKind::kResults);
  } else if (job.writes_file()) {
    guard.writes(job.output, OutputKind::kResults);
  }
  if (record) {
    expect_plain_file(record->file(), ErrorCode::kUnwritable);
    guard.writes(record->file(), OutputKind::kRequest);
  }
  if (job.images.folder.empty() && job.images.mesh_folder.empty()) return;
  for (const Input& input : job.inputs) {
    if (!input.problem.empty()) continue;
    const bool gives_frames = input.gives_frames();
    announce(job.images, input.path, frame_kind(input), guard);
    if (job.writes_wider()) announce_wider(job.images.folder, input.path, gives_frames, guard);
  }
}

/// The inputs without what an earlier job has done; that of videos is left out frame by frame, when
/// they are read.
std::vector<Input> left_to_do(const DetectionJob& job, const EarlierRun& earlier) {
  std::vector<Input> inputs = job.inputs;
  std::erase_if(inputs, [&](const Input& input) { return earlier.has_done(input); });
  return inputs;
}

SourceOptions source_options(const DetectionJob& job, const EarlierRun& earlier,
                             const std::atomic<bool>& stop) {
  SourceOptions result;
  result.every = job.every;
  result.video = {.max_pixels = job.max_pixels, .stop = &stop, .background = job.background};
  result.image = read_options_of(job);
  result.in_one_run = job.images.annotates();
  result.spelling = job.spelling;
  result.is_done = [&](const fs::path& video, const video::FrameStamp& frame) {
    return earlier.has_done(video, frame);
  };
  return result;
}

/// One image has no use for a second thread.
int thread_count(const DetectionJob& job, const std::vector<Input>& inputs) {
  const auto wanted = static_cast<std::size_t>(retinaface::thread_count(job.threads));
  if (inputs.size() >= wanted) return static_cast<int>(wanted);
  const bool has_video = std::ranges::any_of(
      inputs, [](const Input& input) { return input.problem.empty() && input.gives_frames(); });
  return static_cast<int>(has_video ? wanted : std::max<std::size_t>(inputs.size(), 1));
}

}  // namespace

FaceRequest DetectionJob::face_request() const {
  FaceRequest request = {detect, fields.quality, recognizer};
  request.detect.mesh = needs_meshes();
  return request;
}

int DetectionJob::reduction() const {
  return images.any() ? 1 : face_request().reduction();
}

DetectedFaces detect_faces(const Detector& detector, const DetectionJob& job,
                           const SeenImage& image, const fs::path& path,
                           const std::optional<video::FrameStamp>& frame) {
  DetectedFaces detection = detect_faces(detector, job.face_request(), image, path, frame);
  detection.result.fields = job.fields;
  return detection;
}

DetectionSummary run_detection(const DetectionJob& job, const Detector& detector,
                               const DetectionEvents& events, const std::atomic<bool>& stop) {
  const std::string fault = job_fault(job);
  if (!fault.empty()) fail(ErrorCode::kInvalidArgument, "{}", fault);
  if (job.needs_meshes()) detection::DetectorFactory::check_mesh(detector);
  const std::optional<RequestRecord> record = record_of(job);
  guard_outputs(job, record);
  // It takes reading the models' files, which only a record needs.
  const Request request = record ? request_of(job) : Request();
  const Earlier earlier_results = check_resumed(job, record, request);
  // First, as results are cut behind their last whole line, and a run that was killed may have left
  // a record that goes by their checksum.
  if (earlier_results == Earlier::kKnown) record->write(request);
  ResultFile file(job.output, job.resume, stop, is_document(job.format));
  if (earlier_results == Earlier::kUnknown) {
    tell_of_unknown(job, events);
  } else if (earlier_results == Earlier::kNothing && job.writes_wider()) {
    begin_folder(job, *record, request);
  } else if (earlier_results == Earlier::kNothing && record) {
    file.when_begun([&] { record->write_ahead(request); }, [&] { record->write(request); });
  }
  const EarlierRun earlier(job, file);
  std::vector<Input> inputs = left_to_do(job, earlier);
  const std::size_t left = inputs.size();
  const int threads = thread_count(job, inputs);
  if (events.begun) events.begun(job.inputs.size(), left, threads);
  ImageSource source(std::move(inputs), source_options(job, earlier, stop));
  DetectionReport report(job, events, file, earlier, source, left);
  run_in_order(
      threads, [&] { return source.next(); },
      [&](InputImage image) { return detect(job, detector, stop, std::move(image)); },
      [&](Outcome outcome) { report.take(std::move(outcome)); });
  DetectionSummary summary = report.finish();
  const bool is_kept = !file.close(!summary.was_interrupted && summary.done > 0);
  if (is_kept && events.message) {
    events.message(kept_line(job.output, summary.was_interrupted));
  }
  return summary;
}

}  // namespace retinaface::pipeline
