#pragma once

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <functional>
#include <span>
#include <stdexcept>
#include <string>

namespace retinaface::cli {

/// What a command does once its options are parsed; returns the exit code.
using Action = std::function<int()>;

/// One row of the table of commands. `declare` adds options to the command's part of the parser and
/// returns its action, which owns what the options are parsed into.
struct Command {
  const char* name;
  const char* summary;   ///< one line, for the list of commands
  const char* examples;  ///< lines of "retinaface NAME ...", shown at the end of its help
  Action (*declare)(CLI::App& app);
};

/// All commands, in the order in which they are listed to people.
std::span<const Command> commands();

/// Wrong use of the program that its parser cannot see: exit code 2.
class UsageError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// Exit codes of all commands.
inline constexpr int kSuccess = 0;
inline constexpr int kSomeFailed = 1;  ///< some inputs failed, or the command could not finish
inline constexpr int kWrongUsage = 2;

// One per file of this folder.
Action declare_bench(CLI::App& app);
Action declare_dataset(CLI::App& app);
Action declare_detect(CLI::App& app);
Action declare_embed(CLI::App& app);
Action declare_evaluate(CLI::App& app);
Action declare_export(CLI::App& app);
Action declare_import(CLI::App& app);
Action declare_models(CLI::App& app);
Action declare_serve(CLI::App& app);
Action declare_quantize(CLI::App& app);
Action declare_summary(CLI::App& app);
Action declare_train(CLI::App& app);
Action declare_verify(CLI::App& app);

}  // namespace retinaface::cli
