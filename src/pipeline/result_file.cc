#include "pipeline/result_file.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string_view>
#include <system_error>
#include <utility>

#include "base/check.h"
#include "base/file.h"
#include "base/stream.h"
#include "base/text.h"
#include "pipeline/inputs.h"
#include "pipeline/own_results.h"

namespace retinaface::pipeline {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

/// Unlike get, get_ref refuses numbers of other kinds, such as 1e58, which no integer can hold.
std::int64_t whole_number(const json& value) {
  return value.get_ref<const std::int64_t&>();
}

/// Notes a line about a frame, the last one of its video so far.
void note_frame(const json& line, VideoDone& video) {
  video.last = {whole_number(line.at("frame")), line.at("time_s").get<double>()};
  video.faces.clear();
  video.tracks.clear();
  for (const json& face : line.at("faces")) {
    const json& box = face.at("box");
    video.faces.push_back({face.at("score").get<float>(),
                           {box.at(0).get<float>(), box.at(1).get<float>(), box.at(2).get<float>(),
                            box.at(3).get<float>()},
                           {}});
    video.tracks.push_back(whole_number(face.at("track")));
    video.highest_track = std::max(video.highest_track, video.tracks.back());
  }
  video.faces_of_frames[video.last.number] = video.faces.size();
}

}  // namespace

ResultFile::ResultFile(const std::string& path, bool resume, const std::atomic<bool>& stop) {
  if (path.empty()) return;
  if (path == kStandardStream) {
    name_ = "standard output";
    file_ = stdout;
    return;
  }
  name_ = printable(path);
  std::error_code ignored;
  if (fs::is_fifo(path, ignored)) {
    file_ = ::fdopen(open_for_writing(path, stop), "wb");
  } else {
    const bool again = resume && path_exists(path);
    if (again) {
      std::error_code error;
      fs::resize_file(path, keep_whole_lines(path), error);
      if (error) {
        fail(ErrorCode::kUnwritable, "{}: cannot be gone on with: {}", printable(path),
             error.message());
      }
    }
    file_ = std::fopen(path.c_str(), again ? "ab" : "wb");
  }
  if (file_ == nullptr) {
    fail(ErrorCode::kUnwritable, "{}: {}", printable(path), std::strerror(errno));
  }
}

ResultFile::~ResultFile() {
  if (file_ != nullptr && file_ != stdout) std::fclose(file_);
}

void ResultFile::close() {
  if (file_ == nullptr || file_ == stdout) return;
  if (std::fclose(std::exchange(file_, nullptr)) != 0) {
    fail(ErrorCode::kUnwritable, "{} cannot be written", name_);
  }
}

void ResultFile::put(std::string_view text) {
  if (file_ == nullptr) return;
  if (std::fwrite(text.data(), 1, text.size(), file_) != text.size() || std::fflush(file_) != 0) {
    fail(ErrorCode::kUnwritable, "{} cannot be written", name_);
  }
}

std::uintmax_t ResultFile::keep_whole_lines(const std::string& path) {
  const auto bytes = read_file(path);
  const std::string_view text = text_of(bytes);
  std::size_t begin = 0;
  for (std::size_t end = 0; (end = text.find('\n', begin)) != std::string_view::npos;) {
    try {
      const json line = json::parse(text.substr(begin, end - begin));
      const auto image = line.at("image").get<std::string>();
      if (line.contains("frame")) {
        note_frame(line, videos_done_[image]);
      } else {
        done_[image] = line.at("faces").size();
      }
    } catch (const json::exception&) {
      fail(ErrorCode::kBadData, "{}: expected lines of `retinaface detect` to resume from, byte {}",
           printable(path), begin);
    }
    begin = end + 1;
  }
  const std::string_view rest = text.substr(begin);
  if (!rest.empty() && !is_own_line(rest) && !begins_own_line(rest)) {
    fail(ErrorCode::kBadData,
         "{}: expected lines of `retinaface detect` to resume from, byte {}; nothing was done",
         printable(path), begin);
  }
  return begin;
}

}  // namespace retinaface::pipeline
