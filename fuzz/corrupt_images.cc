// Damages images of every format that is read, and reads them: each must end as an image or as
// one Error. Runs in processes of its own, so that a crash or a leak is counted and the rest goes
// on. Usage: corrupt_images FOLDER_OF_IMAGES COUNT_PER_FORMAT [FOLDER_FOR_CRASHES]
//   -> a table by format; exit code 1 if anything crashed or leaked. The same every time.

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "retinaface/image.h"

#include "allow_errors.h"
#include "base/file.h"
#include "base/random.h"

namespace {

using namespace retinaface;
namespace fs = std::filesystem;
using Bytes = std::vector<std::byte>;

constexpr std::int64_t kMaxPixels = 1 << 18;
constexpr unsigned kMaxSeconds = 20;  // for one image
constexpr int kPerProcess = 500;      // leaks are looked for at each process's end

/// What a process has done so far, in memory that it shares with its parent.
struct Progress {
  int done;
  int accepted;
  int refused;
};

struct Counts {
  int accepted = 0;
  int refused = 0;
  int crashed = 0;
  int leaked = 0;  ///< processes
};

/// Most of what a decoder decides by stands at the front.
std::size_t place(Random& random, std::size_t size) {
  constexpr std::size_t kFront = 256;
  return random.below(random.chance(0.5) ? std::min(size, kFront) : size);
}

void flip_bits(Bytes& bytes, Random& random) {
  for (std::size_t flips = 1 + random.below(16); flips > 0 && !bytes.empty(); --flips) {
    bytes[place(random, bytes.size())] ^= std::byte(1U << random.below(8));
  }
}

/// Cuts the end off, or a piece out of the middle.
void cut(Bytes& bytes, Random& random) {
  const auto begin = bytes.begin() + static_cast<std::ptrdiff_t>(place(random, bytes.size()));
  const auto rest = static_cast<std::size_t>(bytes.end() - begin);
  const bool to_the_end = random.chance(0.5);
  bytes.erase(begin, to_the_end ? bytes.end()
                                : begin + static_cast<std::ptrdiff_t>(random.below(rest) + 1));
}

/// The front of another image, of any format, before or over this one's.
void splice(Bytes& bytes, const Bytes& other, Random& random) {
  const auto front = static_cast<std::ptrdiff_t>(place(random, other.size()) + 1);
  const auto replaced = static_cast<std::ptrdiff_t>(place(random, bytes.size()));
  bytes.erase(bytes.begin(), bytes.begin() + replaced);
  bytes.insert(bytes.begin(), other.begin(), other.begin() + front);
}

/// Number `index` of the damaged images of one format.
Bytes damaged(const std::vector<Bytes>& images, const std::vector<Bytes>& all, int index) {
  Random random = Random::of(1, index);
  Bytes bytes = images[static_cast<std::size_t>(index) % images.size()];
  // Headers of the same format are the likelier to be read on.
  const std::vector<Bytes>& donors = random.chance(0.7) ? images : all;
  switch (index / static_cast<int>(images.size()) % 4) {
    case 0:
      flip_bits(bytes, random);
      break;
    case 1:
      cut(bytes, random);
      break;
    case 2:
      splice(bytes, donors[random.below(donors.size())], random);
      break;
    default:
      splice(bytes, donors[random.below(donors.size())], random);
      flip_bits(bytes, random);
  }
  return bytes;
}

/// In a process of its own: reads the images from `begin` to before `end`.
[[noreturn]] void read_all(const std::vector<Bytes>& images, const std::vector<Bytes>& all,
                           int begin, int end, const fs::path& log, Progress& progress) {
  // Decoders behind libheif print; so do the sanitizers, what is shown when they do.
  const int to = ::open(log.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0666);
  if (to < 0 || ::dup2(to, STDERR_FILENO) < 0) std::abort();
  ReadOptions options;
  options.max_pixels = kMaxPixels;
  for (int index = begin; index < end; ++index) {
    const Bytes bytes = damaged(images, all, index);
    ::alarm(kMaxSeconds);
    bool accepted = false;
    fuzz::allow_errors([&] {
      decode_image(bytes, options, "image");
      accepted = true;
    });
    ++(accepted ? progress.accepted : progress.refused);
    ++progress.done;
  }
  ::alarm(0);
  std::exit(0);  // where leaks are looked for
}

Counts run(const std::string& format, const std::vector<Bytes>& images,
           const std::vector<Bytes>& all, int count, const fs::path& crashes) {
  auto* const progress = static_cast<Progress*>(
      ::mmap(nullptr, sizeof(Progress), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0));
  if (progress == MAP_FAILED) std::abort();
  Counts counts;
  for (int begin = 0; begin < count;) {
    const int end = std::min(count, begin + kPerProcess);
    *progress = {};
    const fs::path log = crashes / (format + ".log");
    std::fflush(nullptr);
    const pid_t child = ::fork();
    if (child < 0) std::abort();
    if (child == 0) read_all(images, all, begin, end, log, *progress);
    int status = 0;
    ::waitpid(child, &status, 0);
    counts.accepted += progress->accepted;
    counts.refused += progress->refused;
    begin += progress->done;
    if (begin < end) {
      ++counts.crashed;
      const fs::path stem = crashes / fmt::format("{}_{}", format, begin);
      write_file_atomically(stem, damaged(images, all, begin));
      fs::copy_file(log, stem.string() + ".log", fs::copy_options::overwrite_existing);
      ++begin;
    } else if (status != 0) {
      ++counts.leaked;
      fs::copy_file(log, crashes / fmt::format("{}_leak_before_{}.log", format, end),
                    fs::copy_options::overwrite_existing);
    }
  }
  ::munmap(progress, sizeof(Progress));
  return counts;
}

std::string format_of(const fs::path& path) {
  const std::string extension = path.extension().string();
  const bool portable = extension == ".ppm" || extension == ".pgm" || extension == ".pbm";
  return portable ? "pnm" : extension.substr(1);
}

}  // namespace

int main(int argc, char** argv) {
  const int count = argc > 2 ? std::atoi(argv[2]) : 0;
  if (count < 1) {
    fmt::print(stderr, "usage: corrupt_images FOLDER COUNT_PER_FORMAT [FOLDER_FOR_CRASHES]\n");
    return 2;
  }
  const fs::path crashes = argc > 3 ? argv[3] : "build/fuzz/found/corrupt_images";
  make_folders(crashes);
  std::vector<fs::path> paths;
  for (const auto& entry : fs::directory_iterator(argv[1])) {
    // NAME.jpg.ppm says what NAME.jpg shows; it is no image of its own here.
    if (!entry.path().stem().has_extension()) paths.push_back(entry.path());
  }
  std::ranges::sort(paths);
  std::map<std::string, std::vector<Bytes>> by_format;
  std::vector<Bytes> all;
  for (const fs::path& path : paths) {
    all.push_back(read_file(path));
    by_format[format_of(path)].push_back(all.back());
  }
  bool clean = true;
  fmt::print("{:<8} {:>9} {:>9} {:>8} {:>8}\n", "format", "accepted", "refused", "crashed",
             "leaks");
  for (const auto& [format, images] : by_format) {
    const Counts counts = run(format, images, all, count, crashes);
    fmt::print("{:<8} {:>9} {:>9} {:>8} {:>8}\n", format, counts.accepted, counts.refused,
               counts.crashed, counts.leaked);
    std::fflush(stdout);
    clean = clean && counts.crashed == 0 && counts.leaked == 0;
  }
  return clean ? 0 : 1;
}
