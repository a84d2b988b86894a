#pragma once

#include <atomic>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "retinaface/detector.h"

#include "pipeline/face_files.h"
#include "video/video_reader.h"

namespace retinaface::pipeline {

/// What an earlier run has done of a video.
struct VideoDone {
  video::FrameStamp last{.number = -1};
  std::vector<Face> faces;           ///< of the last frame
  std::vector<std::int64_t> tracks;  ///< of the same
  std::int64_t highest_track = 0;
  FacesOfFrames faces_of_frames;
};

/// Whether a format of `detect` is one document, of no use without its end: json and coco.
bool is_document(const std::string& format);

/// Whether there is a file with anything in it, such as earlier results.
bool holds_anything(const std::filesystem::path& file);

/// The line that says of a file of earlier results that close() has kept them: as the run was
/// interrupted, or else as nothing could be read.
std::string kept_line(const std::filesystem::path& file, bool was_interrupted);

/// Where the results go: standard output, or a file, which is begun anew or, to resume, gone on
/// with; or nowhere.
///
/// Earlier results in a file that is begun anew stay until there is something better: lines are
/// written beside it until the first that is put has reached the file system, a document until its
/// end. A run that ends before leaves them as they were.
class ResultFile {
 public:
  /// `path` is kStandardStream for standard output, empty for nowhere. To resume, the lines of JSON
  /// that are there already are read, and what follows the last whole one is cut off. Where it is a
  /// pipe, waits for its reader until `stop`. Throws Error with the path.
  ResultFile(const std::string& path, bool resume, const std::atomic<bool>& stop,
             bool is_document = false);
  ~ResultFile();
  ResultFile(const ResultFile&) = delete;
  ResultFile& operator=(const ResultFile&) = delete;

  /// Hands the text on to the system at once. Throws Error(kUnwritable).
  void put(std::string_view text);

  /// `begun` is called as soon as no earlier results are in the file: now, or where they are still
  /// there as soon as they are replaced, `begin` just before that.
  void when_begun(std::function<void()> begin, std::function<void()> begun);

  /// Whether earlier results are in the file that are still to be replaced.
  bool has_earlier() const { return (!part_.empty() && had_earlier_) || is_to_be_emptied_; }

  /// Ends a file, after which what is put goes nowhere: some storage tells only then that it took
  /// not all. Returns false where earlier results were kept, as they are unless `replaces`. Throws
  /// Error(kUnwritable). Without it, what it would tell is lost, and so is a document.
  bool close(bool replaces = true);

  /// The images whose results were there already, by text_of_path, and how many faces each has.
  const std::map<std::string, std::size_t>& done() const { return done_; }
  /// The videos of which frames were.
  const std::map<std::string, VideoDone>& videos_done() const { return videos_done_; }

 private:
  /// Reads an interrupted run's lines; returns how many bytes of them are whole.
  std::uintmax_t keep_whole_lines(const std::string& path);

  /// Opens a file, or one beside it, without harm to what is there.
  void begin_anew(const std::string& path);
  /// Of a file that nothing can stand beside.
  void empty_at_last();
  /// Puts what was written beside the file in its place.
  void take_place();
  /// The same where the file can be written but not replaced.
  void fill_target();

  std::string name_;
  std::filesystem::path target_;  ///< the file itself, links followed
  std::filesystem::path part_;    ///< what is written in its stead for now; empty: it itself
  bool had_earlier_ = false;
  bool is_to_be_emptied_ = false;  ///< before the first text, where nothing can stand beside it
  bool is_document_ = false;
  std::function<void()> begin_;
  std::function<void()> begun_;
  std::FILE* file_ = nullptr;
  std::map<std::string, std::size_t> done_;
  std::map<std::string, VideoDone> videos_done_;
};

}  // namespace retinaface::pipeline
