#pragma once

#include <atomic>
#include <cstdint>
#include <cstdio>
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

/// Where the results go: standard output, or a file, which is begun anew or, to resume, gone on
/// with; or nowhere.
class ResultFile {
 public:
  /// `path` is kStandardStream for standard output, empty for nowhere. To resume, the lines of JSON
  /// that are there already are read, and what follows the last whole one is cut off. Where it is a
  /// pipe, waits for its reader until `stop`. Throws Error with the path.
  ResultFile(const std::string& path, bool resume, const std::atomic<bool>& stop);
  ~ResultFile();
  ResultFile(const ResultFile&) = delete;
  ResultFile& operator=(const ResultFile&) = delete;

  /// Hands the text on to the system at once. Throws Error(kUnwritable).
  void put(std::string_view text);

  /// Ends a file, after which what is put goes nowhere: some storage tells only then that it took
  /// not all. Throws Error(kUnwritable). Without it, what it would tell is lost.
  void close();

  /// The images whose results were there already, by text_of_path, and how many faces each has.
  const std::map<std::string, std::size_t>& done() const { return done_; }
  /// The videos of which frames were.
  const std::map<std::string, VideoDone>& videos_done() const { return videos_done_; }

 private:
  /// Reads an interrupted run's lines; returns how many bytes of them are whole.
  std::uintmax_t keep_whole_lines(const std::string& path);

  std::string name_;
  std::FILE* file_ = nullptr;
  std::map<std::string, std::size_t> done_;
  std::map<std::string, VideoDone> videos_done_;
};

}  // namespace retinaface::pipeline
