#include "pipeline/face_files.h"

#include <algorithm>
#include <charconv>
#include <system_error>

#include <fmt/format.h>

#include "base/file.h"

namespace retinaface::pipeline {
namespace {

namespace fs = std::filesystem;

/// How many files of faces there are of each frame. The results do not always say the tracks that
/// stand in their names, but how many there are.
FacesOfFrames files_of_frames(const fs::path& folder, const std::string& extension) {
  FacesOfFrames files;
  std::error_code error;
  for (fs::directory_iterator entry(folder, error), end; !error && entry != end;
       entry.increment(error)) {
    if (entry->path().extension() != extension) continue;
    if (const auto frame = frame_of_file(entry->path())) ++files[*frame];
  }
  return files;
}

}  // namespace

std::string face_file_name(const std::optional<video::FrameStamp>& frame,
                           const std::vector<std::int64_t>& tracks, std::size_t face) {
  return frame ? fmt::format("{:06}_{}", frame->number, tracks.at(face)) : fmt::to_string(face);
}

std::optional<std::int64_t> frame_of_file(const fs::path& file) {
  const std::string name = file.filename().string();
  std::int64_t frame = 0;
  const auto [rest, problem] = std::from_chars(name.data(), name.data() + name.size(), frame);
  if (problem != std::errc() || *rest != '_') return std::nullopt;
  return frame;
}

bool has_face_files(const fs::path& folder, const std::string& extension, bool are_frames,
                    const FacesOfFrames& faces) {
  if (are_frames) {
    const FacesOfFrames files = files_of_frames(folder, extension);
    return std::ranges::all_of(faces, [&](const auto& frame) {
      const auto found = files.find(frame.first);
      return frame.second == 0 || (found != files.end() && found->second >= frame.second);
    });
  }
  for (const auto& [frame, count] : faces) {
    for (std::size_t i = 0; i < count; ++i) {
      if (!file_exists(folder / (face_file_name(std::nullopt, {}, i) + extension))) return false;
    }
  }
  return true;
}

}  // namespace retinaface::pipeline
