#include "pipeline/inputs.h"

#include <algorithm>
#include <cstdint>
#include <fstream>
#include <functional>
#include <iterator>
#include <span>
#include <string_view>
#include <system_error>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <glob.h>
#include <unistd.h>

#include "base/asked_to_end.h"
#include "base/check.h"
#include "base/counted.h"
#include "base/file.h"
#include "base/part_file.h"
#include "base/stream.h"
#include "base/text.h"
#include "image/codecs/encoded_size.h"
#include "image/codecs/heif_brand.h"
#include "image/codecs/image_frames.h"
#include "image/codecs/image_name.h"
#include "pipeline/own_output.h"
#include "video/video_kind.h"

namespace retinaface::pipeline {
namespace {

namespace fs = std::filesystem;

/// Where --out lies, as seen from a folder that is searched.
class OutFolder {
 public:
  OutFolder(const fs::path& out, const fs::path& searched) : out_(out) {
    std::error_code ignored;
    if (out.empty() || !fs::is_directory(out, ignored)) return;
    const fs::path relative = fs::relative(searched, out, ignored);
    is_around_ = !relative.empty() && *relative.begin() != "..";
    is_folder_ = true;
  }

  /// Whether it is the searched folder or above it, so that our files stand among the user's.
  bool is_around() const { return is_around_; }

  /// Whether that folder is --out, below the one that is searched.
  bool is(const fs::directory_entry& folder) const {
    std::error_code ignored;
    return is_folder_ && !is_around_ && fs::equivalent(folder.path(), out_, ignored);
  }

 private:
  fs::path out_;
  bool is_folder_ = false;
  bool is_around_ = false;
};

/// The first bytes of a regular file, enough for all marks of images and videos; none of others,
/// as a pipe gives its first bytes but once.
std::vector<std::byte> beginning_of(const fs::path& path) {
  std::error_code ignored;
  if (!fs::is_regular_file(path, ignored)) return {};
  std::vector<std::byte> beginning(std::max(kImageMarkBytes, video::kVideoMarkBytes));
  std::ifstream file(path, std::ios::binary);
  file.read(reinterpret_cast<char*>(beginning.data()),
            static_cast<std::streamsize>(beginning.size()));
  beginning.resize(static_cast<std::size_t>(std::max<std::streamsize>(file.gcount(), 0)));
  return beginning;
}

/// No container of videos begins with so much of nothing but printable characters.
bool is_text(std::span<const std::byte> beginning) {
  return !beginning.empty() && std::ranges::all_of(beginning, [](std::byte byte) {
    const auto c = std::to_integer<unsigned char>(byte);
    return (c >= 0x20 && c != 0x7F) || c == '\t' || c == '\n' || c == '\r';
  });
}

/// Whether a file in a folder is one of those that are looked for.
bool is_wanted(const fs::path& path) {
  if (has_image_name(path)) return true;
  if (video::has_video_name(path)) {
    const std::vector<std::byte> beginning = beginning_of(path);
    return !is_text(beginning) || video::is_video(beginning);  // YUV4MPEG2's header is text
  }
  const auto raw = raw_extensions();
  if (std::ranges::find(raw, lower_case_extension(path)) != raw.end()) return false;
  const std::vector<std::byte> beginning = beginning_of(path);
  return is_image(beginning) || video::is_video(beginning);
}

/// Among the extensions of what is left out; none has a slash.
constexpr const char* kLinkedFolder = "/";
constexpr const char* kOurs = "/ours";

/// Whether a file that was found is an image or a video that this program wrote.
bool is_ours(const Input& input) {
  std::error_code ignored;
  if (!input.problem.empty() || !fs::is_regular_file(input.path, ignored)) return false;
  if (fs::is_empty(input.path, ignored)) return false;
  return is_marked(input.path, input.is_video() ? OutputKind::kVideo : OutputKind::kImage);
}

/// A pipe may never end, and a camera is meant only where it is named.
constexpr const char* kNoFile =
    "expected a file in a folder that is searched, found a pipe or a device; name it itself to "
    "read it";

constexpr const char* kNotFetched =
    "images are not fetched from the network, only videos and streams are; download it first, or "
    "pipe it in: curl ADDRESS | retinaface detect -";

/// "https://host/a.jpg?x": an address that ends as the names of images do.
bool is_address_of_image(const std::string& address) {
  return has_image_name(address.substr(0, address.find_first_of("?#")));
}

/// Adds what is below a folder, and for each folder that cannot be read a problem.
void search(const fs::path& folder, const OutFolder& out, std::vector<Input>& inputs,
            LeftOut& left_out) {
  std::error_code error;
  for (fs::directory_iterator entry(folder, error), end; !error && entry != end;
       entry.increment(error)) {
    std::error_code ignored;  // what cannot be looked at is reported when it is read
    if (entry->is_directory(ignored)) {
      if (entry->is_symlink(ignored)) {
        ++left_out[kLinkedFolder];
      } else if (!out.is(*entry)) {
        search(entry->path(), out, inputs, left_out);
      }
      continue;
    }
    if (is_part_name(entry->path())) {
      ++left_out[kOurs];
      continue;
    }
    if (!is_wanted(entry->path())) {
      ++left_out[lower_case_extension(entry->path())];
      continue;
    }
    const fs::file_status status = entry->status(ignored);
    inputs.push_back({entry->path(), fs::is_other(status) ? kNoFile : ""});
  }
  if (error) {
    inputs.push_back({folder, "not all of the folder can be read: " + error.message()});
  }
}

/// Leaves out what earlier runs wrote, to --out or elsewhere; in a folder of nothing else that is
/// what is meant, if it is not --out.
void add_folder(const fs::path& folder, const fs::path& out, std::vector<Input>& inputs,
                LeftOut& left_out) {
  const OutFolder out_folder(out, folder);
  std::vector<Input> found;
  search(folder, out_folder, found, left_out);
  const auto ours = std::ranges::partition(found, std::not_fn(is_ours));
  if (!ours.empty() && (ours.size() < found.size() || out_folder.is_around())) {
    left_out[kOurs] += ours.size();
    found.erase(ours.begin(), ours.end());
  }
  std::ranges::sort(found, {}, &Input::path);
  if (found.empty())
    found.push_back({folder, "expected images or videos in the folder, found none"});
  std::ranges::move(found, std::back_inserter(inputs));
}

void add_matches(const std::string& pattern, std::vector<Input>& inputs) {
  glob_t matches{};
  if (::glob(pattern.c_str(), 0, nullptr, &matches) == 0) {
    for (std::size_t i = 0; i < matches.gl_pathc; ++i) inputs.push_back({matches.gl_pathv[i], {}});
  } else {
    inputs.push_back({pattern, "no file has such a name"});
  }
  ::globfree(&matches);
}

}  // namespace

std::string describe(const LeftOut& left_out) {
  std::size_t count = 0;
  std::size_t links = 0;
  std::size_t ours = 0;
  std::vector<std::string> kinds;
  for (const auto& [extension, files] : left_out) {
    if (extension == kLinkedFolder || extension == kOurs) {
      (extension == kOurs ? ours : links) = files;
      continue;
    }
    count += files;
    kinds.push_back(fmt::format("{} {}", files,
                                extension.empty() ? "without an extension" : excerpt(extension)));
  }
  std::vector<std::string> parts;
  if (count > 0) {
    parts.push_back(fmt::format("{} left out: {}", counted(count, "file"), fmt::join(kinds, ", ")));
  }
  if (ours > 0) {
    parts.push_back(fmt::format("{} of this program left out; name them to read them",
                                counted(ours, "output")));
  }
  if (links > 0) {
    parts.push_back(fmt::format("{} not searched; name a link itself to search it",
                                counted(links, "linked folder")));
  }
  return fmt::format("{}", fmt::join(parts, "; "));
}

bool leads_to_video(const fs::path& path) {
  if (path == kStandardStream) return false;
  if (video::is_stream(path.string()) || video::is_camera(path)) return true;
  const std::vector<std::byte> beginning = beginning_of(path);
  if (is_image(beginning)) return video::is_motion_jpeg(path, beginning);
  return video::has_video_name(path) || video::is_video(beginning);
}

bool Input::is_video() const {
  if (!was_video) was_video = leads_to_video(path);
  return *was_video;
}

bool Input::gives_frames() const {
  return frames > 1 || is_sequence || is_video();
}

void want_all_frames(std::vector<Input>& inputs, std::int64_t max_pixels) {
  for (Input& input : inputs) {
    std::error_code ignored;
    const bool is_standard_input = input.path == kStandardStream;
    if (is_standard_input && input.problem.empty()) {
      input.content = std::make_shared<const std::vector<std::byte>>(
          read_stream(STDIN_FILENO, "standard input", max_encoded_bytes(max_pixels), asked_to_end(),
                      may_be_image));
    } else if (!input.problem.empty() || !fs::is_regular_file(input.path, ignored) ||
               input.is_video()) {
      continue;
    }
    try {
      const std::vector<std::byte> file =
          input.content != nullptr ? *input.content : read_image_file(input.path, max_pixels);
      if (codecs::is_heif_sequence(file)) {
        input.is_sequence = !is_standard_input;
        if (is_standard_input) {
          input.problem =
              "unsupported: the frames of a sequence in HEIC or AVIF from standard input; name its "
              "file";
        }
        continue;
      }
      const codecs::FrameCount count = count_frames(file);
      input.frames = count.frames;
      input.are_pages = count.are_pages;
    } catch (const Error&) {
      input.frames = 1;
    }
  }
}

std::vector<std::string> read_list(const std::string& file, char separator,
                                   const OptionSpelling& name) {
  constexpr std::uint64_t kMaxBytes = std::uint64_t{1} << 30;
  constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";
  const std::vector<std::byte> bytes =
      file == kStandardStream
          ? read_stream(STDIN_FILENO, "standard input", kMaxBytes, asked_to_end())
          : read_named_file(file, kMaxBytes);
  std::string_view text = text_of(bytes);
  if (text.starts_with("\xFF\xFE") || text.starts_with("\xFE\xFF")) {
    fail(ErrorCode::kUnsupported,
         "{}: expected a list in UTF-8 or the bytes of the file names, found UTF-16; convert it: "
         "iconv -f UTF-16 -t UTF-8",
         printable(file));
  }
  if (text.starts_with(kByteOrderMark)) text.remove_prefix(kByteOrderMark.size());
  std::vector<std::string> names;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find(separator), text.size());
    std::string entry(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
    if (separator == '\n' && entry.ends_with('\r')) entry.pop_back();
    if (entry.find('\0') != std::string::npos) {
      fail(ErrorCode::kBadData,
           "{}: expected one name a line, found names with zero bytes between them; say {}",
           printable(file), name("null"));
    }
    if (!entry.empty()) names.push_back(std::move(entry));
  }
  return names;
}

std::vector<Input> find_inputs(const std::vector<std::string>& arguments, const fs::path& out,
                               LeftOut* left_out) {
  std::vector<Input> inputs;
  LeftOut uncounted;
  for (const std::string& argument : arguments) {
    std::error_code ignored;
    if (argument.empty()) {
      inputs.push_back({argument,
                        "expected the name of an image, a video or a folder, found an "
                        "empty one"});
    } else if (video::is_stream(argument)) {
      inputs.push_back({argument, is_address_of_image(argument) ? kNotFetched : ""});
    } else if (fs::is_directory(argument, ignored)) {
      add_folder(argument, out, inputs, left_out != nullptr ? *left_out : uncounted);
    } else if (argument.find_first_of("*?[") != std::string::npos &&
               !fs::exists(argument, ignored)) {
      add_matches(argument, inputs);
    } else {
      inputs.push_back({argument, {}});
    }
  }
  return inputs;
}

}  // namespace retinaface::pipeline
