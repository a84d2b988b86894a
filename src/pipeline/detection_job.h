#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "retinaface/recognizer.h"

#include "pipeline/face_request.h"
#include "pipeline/image_outputs.h"
#include "pipeline/inputs.h"
#include "pipeline/option_spelling.h"
#include "pipeline/results.h"

namespace retinaface::pipeline {

/// Images and videos to detect faces in, and what is to be written.
struct DetectionJob {
  std::vector<Input> inputs;                ///< find_inputs makes them
  std::vector<std::filesystem::path> read;  ///< what else was read to get here (a list of inputs)
                                            ///< and must not be overwritten
  std::string model;                        ///< what the detector was loaded by
  std::string backend;                      ///< what runs its network; empty: the best one
  std::string type;                         ///< that it computes in; empty: float32
  DetectOptions detect;                     ///< whose `mesh` says nothing: needs_meshes() does
  std::int64_t every = 1;                   ///< frame of a video
  std::int64_t max_pixels = ReadOptions{}.max_pixels;
  std::array<std::uint8_t, 3> background = ReadOptions{}.background;  ///< of transparent images
  bool strict = false;           ///< refuse images that lack only their end
  bool all_frames = false;       ///< want_all_frames was called for the inputs
  std::string format = "jsonl";  ///< one of result_formats()
  /// File for the results, kStandardStream for standard output; empty: they go to
  /// DetectionEvents::result alone. Not for the format "wider", whose files go to images.folder.
  std::string output;
  ImageOutputs images;
  FaceFields fields;  ///< of results in JSON
  /// Gives each face of results in JSON its vector; nothing: none. And what it was loaded by.
  std::optional<Recognizer> recognizer;
  std::string recognizer_name;
  bool resume = false;      ///< leave out what is in the results already
  bool overwrite = false;   ///< files may be replaced that this program did not write
  int threads = 0;          ///< images worked on at once; 0: core_count()
  OptionSpelling spelling;  ///< of options in messages

  /// Whether faces have to have their meshes.
  bool needs_meshes() const { return fields.need_meshes() || images.needs_meshes(); }
  /// What the job's results and images need of each face.
  FaceRequest face_request() const;
  /// That of face_request; 1 where images are written.
  int reduction() const;
  bool writes_wider() const { return format == "wider"; }
  bool writes_file() const { return !output.empty() && output != kStandardStream; }
};

/// detect_faces of the job's face_request, with a result that is written by the job's `fields`.
DetectedFaces detect_faces(const Detector& detector, const DetectionJob& job,
                           const SeenImage& image, const std::filesystem::path& path,
                           const std::optional<video::FrameStamp>& frame = std::nullopt);

/// Who wants to know how a job goes on; each may be empty. Called by one thread at a time.
struct DetectionEvents {
  /// Before the first image; `left` of the inputs are to be done by `threads` threads, the others
  /// an earlier run has done.
  std::function<void(std::size_t inputs, std::size_t left, int threads)> begun;
  /// Each image's or frame's result, in the order of the inputs.
  std::function<void(const ImageResult&)> result;
  /// One line about what went wrong or is worth a warning.
  std::function<void(const std::string& line)> message;
  /// How many images and frames of how many are done; 0 of an unknown number. Not called for a
  /// single image.
  std::function<void(std::size_t done, std::size_t of)> progress;
};

/// How a job ended.
struct DetectionSummary {
  std::size_t done = 0;    ///< images and frames
  std::size_t failed = 0;  ///< images and videos, each told by DetectionEvents::message
  std::size_t faces = 0;
  double ms = 0;  ///< of detection, all together
  bool has_videos = false;
  bool was_interrupted = false;  ///< by `stop`, before its end
  std::int64_t expected = 0;     ///< images and frames in all, as far as it is known; else 0
  std::string frames_left;       ///< a line about images of which one frame of several was read
};

/// Does a job: reads images ahead, detects, follows faces through videos, and writes results in
/// the inputs' order. Where `stop` turns true, ends after what is under way. Throws Error before
/// any work for a job that job_fault (job_check.h) finds at fault, for meshes of a model that has
/// none, where an output would destroy what is not its own or the results to go on with are another
/// job's; then where the results cannot be written. What is wrong with one input is told
/// and counted, and the others go on.
DetectionSummary run_detection(const DetectionJob& job, const Detector& detector,
                               const DetectionEvents& events, const std::atomic<bool>& stop);

}  // namespace retinaface::pipeline
