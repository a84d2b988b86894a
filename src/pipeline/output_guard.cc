#include "pipeline/output_guard.h"

#include <algorithm>
#include <system_error>

#include <sys/stat.h>

#include "base/check.h"
#include "base/file.h"
#include "image/codecs/image_name.h"
#include "models/model_files.h"
#include "pipeline/inputs.h"
#include "video/video_kind.h"

namespace retinaface::pipeline {
namespace {

namespace fs = std::filesystem;

/// The file that standard output goes to.
constexpr const char* kStandardOutput = "/dev/stdout";

/// The folder that a file stands in, "." for a bare name.
fs::path folder_of(const fs::path& path) {
  return path.has_parent_path() ? path.parent_path() : fs::path(".");
}

/// As NumberedFiles are, without regard to the extension.
bool is_number(const fs::path& path) {
  const std::string name = path.filename().string();
  return !name.empty() && name[0] >= '0' && name[0] <= '9';
}

[[noreturn]] void fail_as_read(const fs::path& written, const fs::path& read) {
  const std::string name = printable(written);
  const std::string other = printable(read);
  fail(ErrorCode::kInvalidArgument,
       "{}: is an input{} and would be overwritten by the output; nothing was done: choose another "
       "place for the output",
       name, name == other ? "" : fmt::format(" (as {})", other));
}

[[noreturn]] void fail_as_shared(const fs::path& path, const fs::path& a, const fs::path& b) {
  if (a.empty() && b.empty()) {
    fail(ErrorCode::kInvalidArgument,
         "{}: expected one output there, found two of the command's; nothing was done: give them "
         "different names",
         printable(path));
  }
  const auto name = [](const fs::path& source) {
    return source.empty() ? std::string("the command's results") : printable(source);
  };
  fail(ErrorCode::kInvalidArgument,
       "{}: expected an output of one input, found two that would be written there: {} and {}; "
       "nothing was done: give them different names or do them in two runs with different outputs",
       printable(path), name(a), name(b));
}

[[noreturn]] void fail_as_folder(const fs::path& file, const fs::path& below) {
  fail(ErrorCode::kInvalidArgument,
       "{}: expected a file or a folder, found both: {} would be written below it; nothing was "
       "done: choose another place for one of the outputs",
       printable(file), printable(below));
}

/// Whether such files are written into folders that are there, which no command makes for them.
bool needs_folder(OutputKind kind) {
  switch (kind) {
    case OutputKind::kWeights:
    case OutputKind::kOnnx:
    case OutputKind::kReport:
    case OutputKind::kFigure:
    case OutputKind::kVectors:
      return true;
    default:
      return false;
  }
}

/// "-", and what would stand in a folder of that name.
void refuse_standard_output(const fs::path& path) {
  if (path.empty() || *path.begin() != kStandardStream) return;
  fail(ErrorCode::kInvalidArgument,
       "-: expected a file or a folder, found what stands for standard output, to which only "
       "results "
       "and figures go; nothing was done: ./- is the file or folder of that name");
}

/// What can be known of a place before the work for it is done.
void check_place(const fs::path& path, OutputKind kind) {
  std::error_code ignored;
  if (!needs_folder(kind) || fs::is_directory(folder_of(path), ignored)) return;
  fail(ErrorCode::kUnwritable, "{}: cannot be written: there is no folder {}", printable(path),
       printable(folder_of(path)));
}

/// Where links that lead to nothing yet would have a file made.
fs::path behind_links(fs::path path) {
  constexpr int kMaxLinks = 40;  // as the system follows
  std::error_code error;
  for (int i = 0; i < kMaxLinks && fs::is_symlink(fs::symlink_status(path, error)); ++i) {
    const fs::path next = fs::read_symlink(path, error);
    if (error) break;
    path = folder_of(path) / next;
  }
  return path;
}

}  // namespace

OutputGuard::Place OutputGuard::place_of(const fs::path& link) {
  struct stat status {};
  if (::stat(link.c_str(), &status) == 0) return {status.st_dev, status.st_ino, {}};
  const fs::path path = behind_links(link);
  std::error_code ignored;
  const fs::path absolute = fs::absolute(path, ignored).lexically_normal();
  fs::path whole = fs::weakly_canonical(fs::absolute(path, ignored), ignored);
  if (whole.empty()) whole = absolute;
  fs::path above = whole.parent_path();
  while (::stat(above.c_str(), &status) != 0 && above.has_relative_path()) {
    above = above.parent_path();
  }
  return {status.st_dev, status.st_ino, whole.lexically_relative(above).string()};
}

bool OutputGuard::is_same(const fs::path& a, const fs::path& b) {
  if (a.empty() || b.empty()) return false;
  return a == b || place_of(a) == place_of(b);
}

void OutputGuard::check_replaces_ours(const fs::path& path, OutputKind kind) const {
  std::error_code ignored;
  const fs::file_status status = fs::status(path, ignored);
  if (!fs::exists(status)) return;
  if (fs::is_directory(status)) {
    fail(ErrorCode::kInvalidArgument, "{}: expected the name of a file to write, found a folder",
         printable(path));
  }
  if (overwrite_ || is_own_output(path, kind)) return;
  fail(ErrorCode::kInvalidArgument,
       "{}: exists, and is not {}; nothing was done: choose another place for the output, or say "
       "{} to replace it",
       printable(path), name_of(kind), name_("overwrite"));
}

const OutputGuard::Numbered* OutputGuard::numbered_around(const fs::path& path) const {
  if (numbered_.empty() || !is_number(path)) return nullptr;
  const auto found = numbered_.find(place_of(folder_of(path)));
  if (found == numbered_.end()) return nullptr;
  const auto numbered =
      std::ranges::find(found->second, path.extension().string(), &Numbered::extension);
  return numbered == found->second.end() ? nullptr : &*numbered;
}

void OutputGuard::reads(const fs::path& path) {
  if (path == kStandardStream) return reads("/dev/stdin");
  std::error_code ignored;
  const fs::file_status status = fs::status(path, ignored);
  if (!fs::is_regular_file(status) && !fs::is_fifo(status)) return;
  const Place place = place_of(path);
  const auto written = written_.find(place);
  if (written != written_.end()) fail_as_read(written->second.path, path);
  if (numbered_around(path) != nullptr) fail_as_read(path, path);
  read_.emplace(place, path);
  if (is_number(path)) like_numbered_[place_of(folder_of(path))].push_back({path, path});
}

void OutputGuard::check_standard_output(const std::vector<Input>& inputs) {
  if (!file_exists(kStandardOutput)) return;
  OutputGuard guard(false);
  for (const Input& input : inputs) {
    std::error_code ignored;
    const bool is_meant = input.path == kStandardStream || has_image_name(input.path) ||
                          video::has_video_name(input.path);
    if (!input.problem.empty() || !is_meant || fs::is_empty(input.path, ignored)) continue;
    guard.reads(input.path);
  }
  guard.continues(kStandardOutput, OutputKind::kResults);
}

void OutputGuard::reads_model(const std::string& name) {
  if (const auto file = models::file_of_model(name)) reads(*file);
}

bool OutputGuard::claim(const fs::path& path, const fs::path& source) {
  const Place place = place_of(path);
  const auto read = read_.find(place);
  if (read != read_.end()) fail_as_read(path, read->second);
  std::error_code ignored;
  if (fs::is_other(fs::status(path, ignored))) return false;
  if (const auto made = made_.find(place); made != made_.end()) fail_as_folder(path, made->second);
  const auto [written, is_new] = written_.try_emplace(place, Written{path, source});
  if (!is_new) {
    if (is_same(written->second.source, source)) return false;
    fail_as_shared(path, written->second.source, source);
  }
  if (const Numbered* numbered = numbered_around(path)) {
    fail_as_shared(path, numbered->source, source);
  }
  if (is_number(path)) like_numbered_[place_of(folder_of(path))].push_back({path, source});
  claim_folders_above(path);
  return true;
}

void OutputGuard::claim_folders_above(const fs::path& path) {
  for (fs::path folder = path.parent_path(); !folder.empty(); folder = folder.parent_path()) {
    if (folder_exists(folder)) return;  // and so do those above it
    claim_folder(folder, path);
  }
}

void OutputGuard::claim_folder(const fs::path& folder, const fs::path& output) {
  const Place place = place_of(folder);
  if (written_.contains(place) || file_exists(folder)) fail_as_folder(folder, output);
  made_.emplace(place, output);
}

void OutputGuard::continues(const fs::path& path, OutputKind kind) {
  refuse_standard_output(path);
  check_place(path, kind);
  claim(path, {});
}

void OutputGuard::writes(const fs::path& path, OutputKind kind, const fs::path& source) {
  if (path == kStandardStream && kind == OutputKind::kReport) return;
  refuse_standard_output(path);
  check_place(path, kind);
  if (claim(path, source)) check_replaces_ours(path, kind);
}

void OutputGuard::writes(const NumberedFiles& numbered, const fs::path& source) {
  const auto& [folder, extension, kind] = numbered;
  refuse_standard_output(folder);
  if (!folder_exists(folder)) {
    claim_folder(folder, folder / ("0" + extension));
    claim_folders_above(folder);
  }
  const Place place = place_of(folder);
  std::vector<Numbered>& others = numbered_[place];
  for (const Numbered& other : others) {
    if (other.extension != extension) continue;
    if (is_same(other.source, source)) return;
    fail_as_shared(folder, other.source, source);
  }
  others.push_back({extension, folder, source});
  for (const Written& file : like_numbered_[place]) {
    if (file.path.extension() != extension) continue;
    if (file.path == file.source) fail_as_read(file.path, file.path);
    fail_as_shared(file.path, file.source, source);
  }
  std::error_code error;
  for (fs::directory_iterator entry(folder, error), end; !error && entry != end;
       entry.increment(error)) {
    if (entry->path().extension() != extension || !is_number(entry->path())) continue;
    if (const auto read = read_.find(place_of(entry->path())); read != read_.end()) {
      fail_as_read(entry->path(), read->second);
    }
    check_replaces_ours(entry->path(), kind);
  }
}

}  // namespace retinaface::pipeline
