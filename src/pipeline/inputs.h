#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace retinaface::pipeline {

/// The name that stands for standard input, of an image or a list, and for standard output.
inline constexpr const char* kStandardStream = "-";

/// One image or video to work on, or one argument that leads to none.
struct Input {
  std::filesystem::path path;  ///< as found: the argument itself, or argument / path below it
  std::string problem;         ///< why there is nothing to read, empty if there may be
};

/// The images and videos that the arguments stand for, in their order: files, cameras and
/// addresses of streams as they are, folders with all files below them whose names end like a
/// image's or video's, sorted by path; names with *, ? or [...] that no file has, with what they
/// match (glob(3)), sorted. What leads to nothing, and each folder that cannot be read, becomes an
/// Input with a problem.
///
/// Folders that are links are not searched below a folder, so that none is searched twice or
/// for ever; links to files are taken. The folder `out` is left out where it is below one that is
/// searched; where it is that folder or above it, the files that an earlier run wrote there are.
std::vector<Input> find_inputs(const std::vector<std::string>& arguments,
                               const std::filesystem::path& out = {});

/// Whether it is a video, a camera or a stream: by its name or, where that says neither video nor
/// image, by its first bytes.
bool leads_to_video(const std::filesystem::path& path);

/// The lines of a file, or of standard input for "-", as arguments; empty lines are left out.
/// Throws Error as read_file does.
std::vector<std::string> read_list(const std::string& file);

}  // namespace retinaface::pipeline
