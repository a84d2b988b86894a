#pragma once

#include <string>

#include "cli/command.h"

namespace retinaface::cli {

// The manual of a program, made from its parser: all commands with their options, as the shells and
// man want it.

/// A page for man, section 1 (groff's man macros).
std::string man_page(const CLI::App& app);

/// A script that completes commands, options and file names when the shell reads it.
std::string bash_completion(const CLI::App& app);
std::string zsh_completion(const CLI::App& app);

/// Adds "completion bash|zsh" and, unlisted, "man-page", which print these.
void add_manual_commands(CLI::App& app, Action& action);

}  // namespace retinaface::cli
