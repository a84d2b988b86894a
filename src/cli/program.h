#pragma once

#include <span>

#include "cli/command.h"

namespace retinaface::cli {

/// A program of commands.
struct Program {
  const char* name;
  const char* summary;
  std::span<const Command> commands;
};

/// Parses the command line, runs its command, reports what it throws on standard error, and
/// returns the exit code.
int run_program(const Program& program, int argc, char** argv);

/// For a command that consists of commands, as `evaluate wider`: adds them to its part of the
/// parser, exactly one of which must be given. The action is that one's.
Action declare_group(CLI::App& app, std::span<const Command> commands);

}  // namespace retinaface::cli
