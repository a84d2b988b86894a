#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "pipeline/option_spelling.h"

namespace retinaface::pipeline {

/// The name that stands for standard input, of an image or a list, and for standard output.
inline constexpr const char* kStandardStream = "-";

/// One image or video to work on, or one argument that leads to none.
struct Input {
  std::filesystem::path path;  ///< as found: the argument itself, or argument / path below it
  std::string problem;         ///< why there is nothing to read, empty if there may be
  /// How many frames or pages of an image are wanted; of a video this says nothing.
  std::int64_t frames = 1;
  bool are_pages = false;
  /// A sequence in HEIC or AVIF, all of whose frames are wanted: they are read as a video's.
  bool is_sequence = false;
  /// What stood in standard input, where it had to be looked into; else null.
  std::shared_ptr<const std::vector<std::byte>> content = nullptr;

  /// As is_video() said when it was first asked.
  mutable std::optional<bool> was_video = std::nullopt;

  /// leads_to_video(path), for which the file is opened once. By one thread at a time.
  bool is_video() const;

  /// Whether its frames are results of their own: a video, or an image all of whose frames are
  /// wanted. By one thread at a time.
  bool gives_frames() const;
};

/// Makes all frames and pages of images wanted. What cannot be read is left for who reads it, but
/// for standard input, which is read here: throws Error as read_stream does. No more is read than
/// an image of `max_pixels` may have.
void want_all_frames(std::vector<Input>& inputs, std::int64_t max_pixels);

/// How many files a search of folders has left out, by kind: the extension in small letters, empty
/// for names without one.
using LeftOut = std::map<std::string, std::size_t>;

/// "3 files left out: 2 .txt, 1 without an extension".
std::string describe(const LeftOut& left_out);

/// The images and videos that the arguments stand for, in their order: files, cameras and
/// addresses of streams as they are, folders with all files below them that are images or videos by
/// their names or, where a name says neither, by their first bytes, sorted by path; names with *, ?
/// or [...] that no file has, with what they match (glob(3)), sorted. What leads to nothing, and
/// each folder that cannot be read, becomes an Input with a problem.
///
/// Folders that are links are not searched below a folder, so that none is searched twice or
/// for ever; links to files are taken. The folder `out` is left out where it is below one that is
/// searched; where it is that folder or above it, the files that an earlier run wrote there are.
/// Other files that are left out are counted in `left_out`: those that are neither image nor video,
/// text under a video's name (a program in TypeScript, .ts), raw data of cameras.
std::vector<Input> find_inputs(const std::vector<std::string>& arguments,
                               const std::filesystem::path& out = {}, LeftOut* left_out = nullptr);

/// Whether it is a video, a camera or a stream: by its first bytes or, where they do not tell, by
/// its name.
bool leads_to_video(const std::filesystem::path& path);

/// The lines of a file, or of standard input for "-", as arguments, or what stands between other
/// separators ('\0'); empty ones are left out, and so is a mark of UTF-8 at the beginning. Throws
/// Error as read_named_file does; kBadData for zero bytes in lines, with the option null as `name`
/// spells it, kUnsupported for UTF-16.
std::vector<std::string> read_list(const std::string& file, char separator = '\n',
                                   const OptionSpelling& name = {});

}  // namespace retinaface::pipeline
