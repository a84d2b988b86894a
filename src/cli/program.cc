#include "cli/program.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cctype>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <iostream>
#include <memory>
#include <new>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include "retinaface/error.h"
#include "retinaface/version.h"

#include "base/counted.h"
#include "base/cpu.h"
#include "base/file.h"
#include "base/number_text.h"
#include "cli/manual.h"
#include "cli/suggestion.h"
#include "cli/tell.h"
#include "cli/values.h"
#include "image/codecs/libraries.h"
#include "pipeline/job_options.h"
#include "runtime/backends/backends.h"

namespace retinaface::cli {
namespace {

std::string indented(const std::string& lines) {
  std::string result = "  ";
  for (const char c : lines) {
    result += c;
    if (c == '\n') result += "  ";
  }
  return result;
}

/// The command that the arguments reached: "retinaface evaluate wider".
const CLI::App& reached(const CLI::App& app) {
  const auto parts = const_cast<CLI::App&>(app).get_subcommands();
  return parts.empty() ? app : reached(*parts.front());
}

std::string full_name(const CLI::App& app) {
  return app.get_parent() == nullptr ? app.get_name()
                                     : full_name(*app.get_parent()) + " " + app.get_name();
}

std::vector<std::string> command_names(const CLI::App& app) {
  std::vector<std::string> names;
  for (const CLI::App* part : app.get_subcommands(nullptr)) names.push_back(part->get_name());
  return names;
}

std::vector<std::string> option_names(const CLI::App& app) {
  std::vector<std::string> names;
  for (const CLI::Option* option : app.get_options()) {
    for (const std::string& name : option->get_lnames()) names.push_back("--" + name);
    for (const std::string& name : option->get_snames()) names.push_back("-" + name);
  }
  return names;
}

/// An option that other programs have, and what it is here.
struct ForeignOption {
  std::string_view name;
  std::string_view own;  ///< the option that a command must have for the remedy to fit; empty: any
  const char* remedy;    ///< null: a backend of other devices, of those that this program has
  std::string_view command = {};  ///< that it is of, "dataset check"; empty: any
};
constexpr const char* kNotBatched =
    "images are not batched; use --threads N to work on several at once";
constexpr const char* kOnProcessor = "the program computes on the processor";
constexpr const char* kOnCores =
    "the program computes on the processor; --threads N says on how many cores";
constexpr ForeignOption kForeignOptions[] = {
    {"-t", "--min-score", "use --min-score X"},
    {"-c", "--min-score", "use --min-score X"},
    {"-t", "--api-key-file", "each request says it: min-score=X (doc/server.md)"},
    {"--conf", "--threshold", "use --threshold X, from which similarity on it is one person"},
    {"--confidence", "--threshold", "use --threshold X, from which similarity on it is one person"},
    {"-t", "--threshold", "use --threshold X"},
    {"--json", "", "findings are lines on standard output; `> FILE` keeps them", "dataset check"},
    {"--json", "", "results are JSON already; use -o FILE.jsonl", "embed"},
    {"--json", "", "it prints one line; `retinaface embed` writes vectors as JSON", "verify"},
    {"--json", "", "it writes a model: -o FILE.safetensors", "quantize"},
    {"--json", "", "each answer is JSON already", "serve"},
    {"--json", "", "figures are written as JSON already, to metrics.jsonl below --out", "train"},
    {"--json", "--all-frames", "results are JSON already; use -o FILE.json or -o FILE.jsonl"},
    {"--csv", "--all-frames", "use -o FILE.csv or --format csv"},
    {"-f", "--format", "use --format NAME"},
    {"--epochs", "--set", "use --set schedule.epochs=N"},
    {"-e", "--set", "use --set schedule.epochs=N"},
    {"--epochs", "", "it goes with `retinaface train RECIPE --set schedule.epochs=N`"},
    {"--lr", "--set", "use --set schedule.learning_rate=X"},
    {"--learning-rate", "--set", "use --set schedule.learning_rate=X"},
    {"--lr", "", "it goes with `retinaface train RECIPE --set schedule.learning_rate=X`"},
    {"--learning-rate", "",
     "it goes with `retinaface train RECIPE --set schedule.learning_rate=X`"},
    {"--batch", "--set", "use --set input.batch=N"},
    {"--batch-size", "--set", "use --set input.batch=N"},
    {"-b", "--set", "use --set input.batch=N"},
    {"--batch", "--threads", kNotBatched},
    {"--batch-size", "--threads", kNotBatched},
    {"-b", "--threads", kNotBatched},
    {"--workers", "--threads", "use --threads N"},
    {"-j", "--threads", "use --threads N"},
    {"--gpu", "--device", nullptr},
    {"--cuda", "--device", nullptr},
    {"--device", "--threads", kOnCores},
    {"--gpu", "--threads", kOnCores},
    {"--cuda", "--threads", kOnCores},
    {"--device", "", kOnProcessor},
    {"--gpu", "", kOnProcessor},
    {"--cuda", "", kOnProcessor},
    {"--host", "--bind", "use --bind ADDRESS"},
    {"--listen", "--bind", "use --bind ADDRESS"},
    {"--address", "--bind", "use --bind ADDRESS"},
    {"--imgsz", "--set", "use --set input.side_px=N"},
    {"--imgsz", "--size", "use --size WIDTHxHEIGHT"},
    {"--imgsz", "--scales", "images are looked at in their own size; --scales X resizes them"},
    {"--half", "--type", "use --type bfloat16"},
    {"--weights", "--init", "use --init NAME or --init FILE.safetensors"},
    {"--weights", "--model", "use --model NAME or --model FILE.safetensors"},
    {"-m", "--model", "use --model NAME or --model FILE.safetensors"},
    {"--source", "--all-frames", "name images, videos and folders without an option"},
    {"-i", "--all-frames", "name images, videos and folders without an option"},
    {"--save", "--draw", "use --draw --out FOLDER"},
    {"-v", "--verbose", "use --verbose"},
    {"-v", "", "`retinaface --version` tells the version"},
    {"-V", "", "`retinaface --version` tells the version"},
    {"-q", "--quiet", "use --quiet"},
};

/// How to train elsewhere than on the processor; empty where no backend does.
std::string other_device_remedy() {
  const runtime::Backend* const backend = runtime::backends().trainer_on_other_devices();
  if (backend == nullptr) return {};
  return fmt::format("use --backend {} --device {}", backend->name, backend->other_device);
}

/// What to do instead of giving `command` an option that only other programs have; empty if nothing
/// is known.
std::string remedy_for(std::string_view option, const CLI::App& command) {
  const std::vector<std::string> options = option_names(command);
  const auto has = [&](std::string_view own) {
    return std::ranges::find(options, own) != options.end();
  };
  if (option.starts_with("--")) {
    std::string_view own = pipeline::own_name_of(option.substr(2));
    if (has("--api-key-file")) {  // the service, whose requests have the options of a detection
      if (own.empty() && pipeline::find_job_option(option.substr(2)) != nullptr) {
        own = option.substr(2);
      }
      if (!own.empty()) return fmt::format("each request says it: {}=X (doc/server.md)", own);
    }
    if (!own.empty() && has(fmt::format("--{}", own))) return fmt::format("use --{} X", own);
  }
  for (const ForeignOption& foreign : kForeignOptions) {
    if (foreign.name != option || !(foreign.own.empty() || has(foreign.own))) continue;
    const bool is_its = foreign.command.empty() ||
                        full_name(command).ends_with(fmt::format(" {}", foreign.command));
    if (!is_its) continue;
    return foreign.remedy != nullptr ? foreign.remedy : other_device_remedy();
  }
  return {};
}

/// What arguments the command takes, "MODEL" or "A and B"; empty if none.
std::string argument_names(const CLI::App& command) {
  std::vector<std::string> names;
  for (const CLI::Option* option : command.get_options()) {
    if (option->get_positional()) names.push_back(option->get_name(true));
  }
  return fmt::format("{}", fmt::join(names, " and "));
}

/// What the parser says of an option that has too few or too many values.
std::string count_fault(const std::string& text) {
  const std::string option = text.substr(0, text.find(':'));
  constexpr std::string_view kMost = ": At Most ";
  constexpr std::string_view kFound = " required but received ";
  const std::size_t most = text.find(kMost);
  const std::size_t found = text.find(kFound);
  if (text.ends_with(" missing")) return option + ": expected a value, found none";
  if (most == std::string::npos || found == std::string::npos) return text;
  const std::string max = text.substr(most + kMost.size(), found - most - kMost.size());
  const std::string count = text.substr(found + kFound.size());
  if (max != "1")
    return fmt::format("{}: expected at most {} values, found {}", option, max, count);
  return fmt::format("{}: expected it once, found it {} times; leave out all but one", option,
                     count);
}

/// The parser's words for what cannot be read, without its names of types.
std::string in_plain_words(const CLI::App& command, const CLI::ParseError& error) {
  std::string text = error.what();
  constexpr std::string_view kConversion = "Could not convert: ";
  if (error.get_name() == "ArgumentMismatch") return count_fault(text);
  if (error.get_exit_code() == static_cast<int>(CLI::ExitCodes::ExtrasError)) {
    const std::string taken = argument_names(command);
    return fmt::format("expected {}, found '{}'; a name with blanks stands in quotes",
                       taken.empty() ? "options alone" : taken + " and options alone",
                       excerpt(text.substr(text.find(": ") + 2)));
  }
  if (text.starts_with(kConversion)) {
    const std::string rest = text.substr(kConversion.size());
    const std::size_t equals = rest.find(" = ");
    if (equals != std::string::npos) {
      return fmt::format("{}: expected a number, found '{}'", rest.substr(0, equals),
                         excerpt(rest.substr(equals + 3)));
    }
  }
  return text;
}

std::string unknown(const char* what, std::string_view word,
                    const std::vector<std::string>& known) {
  const auto near = suggestion(word, known);
  return fmt::format("there is no {} '{}'{}", what, excerpt(word),
                     near ? fmt::format("; did you mean '{}'?", *near) : "");
}

/// The name in a word that is an option: "--name" of "--name=value", "-n" of "-nvalue"; empty for
/// other words, such as "-" and negative numbers ("-inf" among them).
std::string option_in(const std::string& word) {
  if (word.starts_with("--")) return word.substr(0, word.find('='));
  const bool is_short = word.size() > 1 && word[0] == '-' &&
                        std::isalpha(static_cast<unsigned char>(word[1])) != 0 &&
                        !read_number<double>(word);
  return is_short ? word.substr(0, 2) : std::string();
}

/// The first word that stands where a command is expected and is none, with the command that it
/// stands behind; the parser would answer `WORD --help` with the help of all. Nothing if there is
/// none.
std::optional<std::pair<const CLI::App*, std::string>> no_command(
    const CLI::App& app, std::span<const std::string> arguments) {
  const auto parts = app.get_subcommands(nullptr);
  if (parts.empty() || arguments.empty() || arguments.front().starts_with('-')) return std::nullopt;
  const auto part = std::ranges::find(parts, arguments.front(), &CLI::App::get_name);
  if (part == parts.end()) return std::pair(&app, arguments.front());
  return no_command(**part, arguments.subspan(1));
}

/// What is wrong with the command line, as far as it is a word that nobody knows; else the parser's
/// own words.
std::string explain(const CLI::App& app, const CLI::ParseError& error,
                    const std::vector<std::string>& arguments) {
  const CLI::App& command = reached(app);
  const std::vector<std::string> commands = command_names(command);
  const std::vector<std::string> options = option_names(command);
  // The words after the command's own name.
  std::size_t depth = 0;
  for (const CLI::App* at = &command; at->get_parent() != nullptr; at = at->get_parent()) ++depth;
  for (std::size_t i = depth; i < arguments.size(); ++i) {
    const std::string& word = arguments[i];
    if (word == "--") break;
    const std::string name = option_in(word);
    if (!name.empty() && std::ranges::find(options, name) == options.end()) {
      if (const std::string remedy = remedy_for(name, command); !remedy.empty()) {
        return fmt::format("there is no option '{}': {}", name, remedy);
      }
      return unknown("option", name, options);
    }
  }
  if (!commands.empty()) return fmt::format("expected a command: {}", fmt::join(commands, ", "));
  return in_plain_words(command, error);
}

std::string version_text(const Program& program) {
  std::vector<std::string> libraries;
  for (const runtime::Backend& backend : runtime::backends().backends()) {
    if (!backend.library.empty()) libraries.push_back(backend.library);
  }
  std::ranges::copy(image_libraries(), std::back_inserter(libraries));
  return fmt::format("{} {}\n{} code, {}; {}", program.name, version(), to_string(simd_level()),
                     counted(static_cast<std::size_t>(core_count()), "core"),
                     fmt::join(libraries, ", "));
}

/// "help COMMAND..." is "COMMAND... --help".
std::vector<std::string> arguments_of(int argc, char** argv) {
  std::vector<std::string> arguments(argv + 1, argv + argc);
  if (!arguments.empty() && arguments.front() == "help") {
    arguments.erase(arguments.begin());
    arguments.emplace_back("--help");
  }
  return arguments;
}

/// Refuses options and arguments that are given without anything in them, as a shell gives the
/// value of a variable that is not set.
void check_values(const CLI::App& command) {
  for (const CLI::Option* option : command.get_options()) {
    // Of several inputs an empty one is a failure of its own.
    const bool is_list = option->get_positional() && option->get_expected_max() > 1;
    if (is_list || option->get_expected_max() == 0) continue;
    const std::vector<std::string>& values = option->results();
    if (std::ranges::find(values, std::string()) == values.end()) continue;
    throw UsageError(
        fmt::format("{}: expected a value, found an empty one", option->get_name(false, true)));
  }
}

/// Adds the commands to the parser. The one that is used puts its action into `chosen`.
void add_commands(CLI::App& app, std::span<const Command> commands, Action& chosen) {
  app.require_subcommand(1);
  for (const Command& command : commands) {
    CLI::App* const part = app.add_subcommand(command.name, command.summary);
    part->footer("Examples:\n" + indented(command.examples));
    part->callback([&chosen, declared = command.declare(*part)] { chosen = declared; });
    for (CLI::Option* const option : part->get_options()) {
      if (option->get_items_expected_max() == 0) option->check(flag_value());
    }
  }
}

/// Whether a descriptor is a pipe whose reader has gone.
bool is_read_no_more(int descriptor) {
  struct stat status {};
  pollfd pipe{descriptor, 0, 0};
  return ::fstat(descriptor, &status) == 0 && S_ISFIFO(status.st_mode) &&
         ::poll(&pipe, 1, 0) == 1 && (pipe.revents & POLLERR) != 0;
}

int refused(const CLI::App& command, const std::string& why) {
  tell("{0}: {1}\n`{0} --help` says what it takes\n", full_name(command), why);
  return kWrongUsage;
}

/// The exit code where the arguments are help, version or wrong; else there is a command to be
/// done.
std::optional<int> parse(CLI::App& app, const std::vector<std::string>& arguments) {
  try {
    // CLI11 takes them last one first.
    app.parse(std::vector<std::string>(arguments.rbegin(), arguments.rend()));
  } catch (const CLI::ParseError& error) {
    // Help and version end up here as well, with code 0.
    if (error.get_exit_code() != 0) return refused(reached(app), explain(app, error, arguments));
    app.exit(error);
    return kSuccess;
  }
  return std::nullopt;
}

int run_command(const Program& program, int argc, char** argv) {
  CLI::App app(program.summary, program.name);
  app.set_version_flag("--version", [&] { return version_text(program); });
  const auto formatter = app.get_formatter();  // of all commands
  for (const char* type : {"INT", "UINT", "FLOAT"}) formatter->label(type, "NUMBER");
  formatter->label("TEXT", "VALUE");
  formatter->label("REQUIRED", "(required)");
  app.footer(fmt::format("`{} help COMMAND` says more about a command.", program.name));

  Action action;
  add_commands(app, program.commands, action);
  add_manual_commands(app, action);

  const std::vector<std::string> arguments = arguments_of(argc, argv);
  if (arguments.empty()) {
    fmt::print("{}", app.help());
    return kSuccess;
  }
  if (const auto none = no_command(app, arguments)) {
    return refused(*none->first, unknown("command", none->second, command_names(*none->first)));
  }
  try {
    if (const std::optional<int> code = parse(app, arguments)) return *code;
    check_values(reached(app));
    return action();
  } catch (const UsageError& error) {
    tell("{}: {}\n", full_name(reached(app)), error.what());
    return kWrongUsage;
  } catch (const Error& error) {
    if (error.code() == ErrorCode::kUnwritable && is_read_no_more(STDOUT_FILENO)) {
      throw std::system_error(std::make_error_code(std::errc::broken_pipe));
    }
    tell("retinaface: {}\n", error.what());
  } catch (const std::bad_alloc&) {
    tell("retinaface: out of memory\n");
  } catch (const std::filesystem::filesystem_error& error) {
    tell("retinaface: {}: {}\n", printable(error.path1()), error.code().message());
  } catch (const std::system_error& error) {
    if (std::ferror(stdout) != 0) throw;  // of fmt::print: run_program tells
    tell("retinaface: {}\n", excerpt(error.what()));
  } catch (const std::exception& error) {
    tell("retinaface: {}\n", excerpt(error.what()));
  }
  return kSomeFailed;
}

}  // namespace

Action declare_group(CLI::App& app, std::span<const Command> commands) {
  const auto chosen = std::make_shared<Action>();
  add_commands(app, commands, *chosen);
  return [chosen] { return (*chosen)(); };
}

namespace {

/// Takes the places of those of standard input, output and error that are closed, so that no file
/// that is opened later is read, written or told to in their stead. Where messages would go nobody
/// hears them; reading the input and writing the output fail, as if they were closed still.
void hold_standard_descriptors() {
  for (const int descriptor : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
    if (::fcntl(descriptor, F_GETFD) != -1 || errno != EBADF) continue;
    // The lowest that is free is taken, which is this one.
    static_cast<void>(::open("/dev/null", descriptor == STDOUT_FILENO ? O_RDONLY : O_WRONLY));
  }
}

}  // namespace

int run_program(const Program& program, int argc, char** argv) {
  hold_standard_descriptors();
  // What is begun is taken away before the program ends, also where nobody reads its output.
  ::signal(SIGPIPE, SIG_IGN);
  int code = kSuccess;
  bool is_written = true;
  try {
    code = run_command(program, argc, argv);
  } catch (const std::system_error&) {  // of fmt::print, or a pipe that nobody reads
    is_written = false;
  }
  is_written =
      is_written && std::cout.flush() && std::fflush(stdout) == 0 && std::ferror(stdout) == 0;
  // A reader who leaves when all is written has missed nothing.
  if (!is_written && is_read_no_more(STDOUT_FILENO)) {
    ::signal(SIGPIPE, SIG_DFL);
    ::raise(SIGPIPE);  // as `| head` expects it
  }
  if (is_written || code != kSuccess) return code;
  tell("retinaface: standard output cannot be written\n");
  return kSomeFailed;
}

}  // namespace retinaface::cli
