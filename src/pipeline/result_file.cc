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
#include "base/part_file.h"
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

bool is_document(const std::string& format) {
  return format == "json" || format == "coco";
}

bool holds_anything(const fs::path& file) {
  std::error_code error;
  return fs::is_regular_file(file, error) && fs::file_size(file, error) > 0 && !error;
}

std::string kept_line(const fs::path& file, bool was_interrupted) {
  return fmt::format("{}: keeps the results of an earlier run, as {}", printable(file),
                     was_interrupted ? "this one was interrupted" : "nothing could be read");
}

ResultFile::ResultFile(const std::string& path, bool resume, const std::atomic<bool>& stop,
                       bool is_document)
    : is_document_(is_document) {
  if (path.empty()) return;
  if (path == kStandardStream) {
    name_ = "standard output";
    file_ = stdout;
    return;
  }
  name_ = printable(path);
  std::error_code ignored;
  const fs::file_status status = fs::status(path, ignored);
  if (fs::is_fifo(status)) {
    file_ = ::fdopen(open_for_writing(path, stop), "wb");
  } else if (resume && fs::exists(status)) {
    std::error_code error;
    fs::resize_file(path, keep_whole_lines(path), error);
    if (error) {
      fail(ErrorCode::kUnwritable, "{}: cannot be gone on with: {}", printable(path),
           error.message());
    }
    file_ = std::fopen(path.c_str(), "ab");
  } else {
    begin_anew(path);
  }
  if (file_ == nullptr) {
    fail(ErrorCode::kUnwritable, "{}: {}", printable(path), std::strerror(errno));
  }
}

void ResultFile::begin_anew(const std::string& path) {
  had_earlier_ = holds_anything(path);
  if (!can_be_replaced(path)) {
    file_ = std::fopen(path.c_str(), "wb");
    return;
  }
  target_ = written_target(path);
  if (had_earlier_ && ::access(target_.c_str(), W_OK) != 0) return;  // protected
  if (had_earlier_ || is_document_) {
    part_ = part_beside(target_);
    file_ = std::fopen(part_.c_str(), "wb");
    if (file_ == nullptr) part_.clear();
  }
  if (file_ != nullptr) {
    take_permissions(part_, target_);
  } else if (had_earlier_) {  // a file that may be written where others may not
    file_ = std::fopen(path.c_str(), "r+b");
    is_to_be_emptied_ = true;
  } else {
    file_ = std::fopen(path.c_str(), "wb");
  }
}

ResultFile::~ResultFile() {
  if (file_ != nullptr && file_ != stdout) std::fclose(file_);
  std::error_code ignored;
  if (!part_.empty()) fs::remove(part_, ignored);
}

void ResultFile::when_begun(std::function<void()> begin, std::function<void()> begun) {
  if (has_earlier()) {
    begin_ = std::move(begin);
    begun_ = std::move(begun);
  } else {
    begun();
  }
}

void ResultFile::take_place() {
  if (part_.empty()) return;
  if (begin_) begin_();
  std::error_code error;
  fs::rename(part_, target_, error);
  if (error) {  // a place of its own kind, such as a file that is mounted: it is filled instead
    fill_target();
    fs::remove(part_, error);
  }
  part_.clear();
  if (begun_) begun_();
}

void ResultFile::fill_target() {
  const std::vector<std::byte> text = read_file(part_);
  std::FILE* const target = std::fopen(target_.c_str(), "wb");
  const bool is_full = target != nullptr &&
                       std::fwrite(text.data(), 1, text.size(), target) == text.size() &&
                       std::fflush(target) == 0;
  const int error = errno;
  // What is put from now on goes there, too.
  std::FILE* const done = file_ != nullptr ? std::exchange(file_, target) : target;
  if (done != nullptr) std::fclose(done);
  if (!is_full)
    fail(ErrorCode::kUnwritable, "{} cannot be written: {}", name_, std::strerror(error));
}

bool ResultFile::close(bool replaces) {
  if (file_ == nullptr || file_ == stdout) return true;
  if (replaces) empty_at_last();
  if (std::fclose(std::exchange(file_, nullptr)) != 0) {
    fail(ErrorCode::kUnwritable, "{} cannot be written: {}", name_, std::strerror(errno));
  }
  const bool keeps_earlier = has_earlier() && !replaces;
  if (!keeps_earlier) take_place();
  return !keeps_earlier;
}

void ResultFile::empty_at_last() {
  if (!is_to_be_emptied_) return;
  if (begin_) begin_();
  is_to_be_emptied_ = false;
  if (::ftruncate(::fileno(file_), 0) != 0) {
    fail(ErrorCode::kUnwritable, "{} cannot be written: {}", name_, std::strerror(errno));
  }
  if (begun_) begun_();
}

void ResultFile::put(std::string_view text) {
  if (file_ == nullptr) return;
  empty_at_last();
  if (std::fwrite(text.data(), 1, text.size(), file_) != text.size() || std::fflush(file_) != 0) {
    fail(ErrorCode::kUnwritable, "{} cannot be written: {}", name_, std::strerror(errno));
  }
  if (!is_document_) take_place();
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
