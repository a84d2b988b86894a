#include "evaluation/plot.h"

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstdio>
#include <iterator>
#include <memory>
#include <span>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/check.h"
#include "base/file.h"
#include "base/origin_seal.h"
#include "base/text.h"
#include "image/codecs/image_origin.h"

namespace retinaface::evaluation {
namespace {

constexpr int kPanelSide = 480;  // pixels

/// A string constant of gnuplot's.
std::string quoted(const std::string& text) {
  std::string result = "'";
  for (const char c : printable(text)) result += c == '\'' ? "''" : std::string(1, c);
  return result + "'";
}

/// gnuplot's for the file's kind; empty where there is none.
std::string terminal(const std::filesystem::path& path, std::size_t panels) {
  const std::string extension = path.extension();
  const auto width = kPanelSide * static_cast<int>(panels);
  if (extension == ".png") {
    return fmt::format("pngcairo noenhanced size {},{} font 'sans,11'", width, kPanelSide);
  }
  if (extension == ".svg") {
    return fmt::format("svg noenhanced size {},{} font 'sans,11'", width, kPanelSide);
  }
  if (extension == ".pdf") {
    return fmt::format("pdfcairo noenhanced size {}in,{}in font 'sans,11'", width / 96.0,
                       kPanelSide / 96.0);
  }
  return {};
}

void append_diagram(const Diagram& diagram, std::string& script) {
  const auto out = std::back_inserter(script);
  for (std::size_t i = 0; i < diagram.lines.size(); ++i) {
    const Line& line = diagram.lines[i];
    fmt::format_to(out, "$line{} << END\n", i);
    for (std::size_t k = 0; k < line.x.size(); ++k) {
      fmt::format_to(out, "{:.6g} {:.6g}\n", line.x[k], line.y[k]);
    }
    script += "END\n";
  }
  fmt::format_to(out, "set title {}\nset xlabel {}\nset ylabel {}\n", quoted(diagram.title),
                 quoted(diagram.x_label), quoted(diagram.y_label));
  fmt::format_to(out, "set xrange [0:{}]\nset yrange [0:{}]\nset key bottom {} box opaque\nplot ",
                 diagram.x_max, diagram.y_max, diagram.legend_at_bottom_left ? "left" : "right");
  for (std::size_t i = 0; i < diagram.lines.size(); ++i) {
    fmt::format_to(out, "{}$line{} using 1:2 with lines linetype {} linewidth 2 title {}",
                   i > 0 ? ", " : "", i, diagram.lines[i].color + 1,
                   quoted(diagram.lines[i].label));
  }
  script += "\n";
}

using File = std::unique_ptr<std::FILE, int (*)(std::FILE*)>;

File temporary_file() {
  File file(std::tmpfile(), &std::fclose);
  if (file == nullptr) {
    fail(ErrorCode::kUnwritable, "temporary file: {}", std::generic_category().message(errno));
  }
  return file;
}

std::string first_line(std::FILE* file) {
  std::rewind(file);
  std::string line;
  for (int c = 0; (c = std::fgetc(file)) != EOF && (c != '\n' || line.empty());) {
    if (c != '\n') line += static_cast<char>(c);
  }
  return line;
}

std::vector<std::byte> content_of(std::FILE* file) {
  std::fseek(file, 0, SEEK_END);
  std::vector<std::byte> content(static_cast<std::size_t>(std::max(0L, std::ftell(file))));
  std::rewind(file);
  if (std::fread(content.data(), 1, content.size(), file) != content.size()) {
    fail(ErrorCode::kUnreadable, "temporary file: {}", std::generic_category().message(errno));
  }
  return content;
}

/// What gnuplot draws by `script`; `path` is for messages. Files rather than pipes stand at all
/// ends, so neither side can wait for the other.
std::vector<std::byte> run_gnuplot(const std::string& script, const std::filesystem::path& path) {
  const File input = temporary_file();
  const File drawing = temporary_file();
  const File errors = temporary_file();
  if (std::fwrite(script.data(), 1, script.size(), input.get()) != script.size() ||
      std::fflush(input.get()) != 0) {
    fail(ErrorCode::kUnwritable, "temporary file: {}", std::generic_category().message(errno));
  }
  std::rewind(input.get());

  posix_spawn_file_actions_t actions;
  ::posix_spawn_file_actions_init(&actions);
  ::posix_spawn_file_actions_adddup2(&actions, ::fileno(input.get()), 0);
  ::posix_spawn_file_actions_adddup2(&actions, ::fileno(drawing.get()), 1);
  ::posix_spawn_file_actions_adddup2(&actions, ::fileno(errors.get()), 2);
  char name[] = "gnuplot";
  char* const arguments[] = {name, nullptr};
  pid_t process = 0;
  const int status = ::posix_spawnp(&process, name, &actions, nullptr, arguments, environ);
  ::posix_spawn_file_actions_destroy(&actions);
  if (status == ENOENT) {
    fail(ErrorCode::kUnsupported,
         "{}: drawing curves needs the program gnuplot, which is not installed", printable(path));
  }
  if (status != 0) {
    fail(ErrorCode::kUnreadable, "gnuplot: cannot be started: {}",
         std::generic_category().message(status));
  }
  int ending = 0;
  while (::waitpid(process, &ending, 0) < 0 && errno == EINTR) continue;
  if (!WIFEXITED(ending) || WEXITSTATUS(ending) != 0) {
    fail(ErrorCode::kUnwritable, "{}: gnuplot failed: {}", printable(path),
         printable(first_line(errors.get())));
  }
  return content_of(drawing.get());
}

/// Writes a drawing with a comment, by which a later run may replace the file.
void write_marked(const std::filesystem::path& path, std::vector<std::byte> content) {
  const std::string extension = path.extension().string();
  if (extension == ".svg" || extension == ".pdf") {
    const std::string mark = open_mark();
    const std::string comment =
        extension == ".svg" ? "<!-- " + mark + " -->\n" : "% " + mark + "\n";
    write_file_atomically(path, sealed(std::string(text_of(content)) + comment));
  } else {
    write_file_atomically(path, with_origin_mark(std::move(content)));
  }
}

}  // namespace

void check_drawable(const std::filesystem::path& path) {
  if (!terminal(path, 1).empty()) return;
  fail(ErrorCode::kUnsupported, "{}: curves are drawn as .png, .svg or .pdf", printable(path));
}

void draw_diagrams(const std::filesystem::path& path, std::span<const Diagram> diagrams) {
  RF_CHECK(!diagrams.empty());
  check_drawable(path);
  std::string script = fmt::format(
      "set terminal {}\nset grid\nset tics out nomirror\nset format '%g'\n"
      "set multiplot layout 1,{}\n",
      terminal(path, diagrams.size()), diagrams.size());
  for (const Diagram& diagram : diagrams) append_diagram(diagram, script);
  script += "unset multiplot\nunset output\n";
  write_marked(path, run_gnuplot(script, path));
}

}  // namespace retinaface::evaluation
