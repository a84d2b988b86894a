#include "cli/program.h"

#include <CLI/CLI.hpp>
#include <cstdio>
#include <exception>
#include <new>
#include <string>

#include <fmt/format.h>

#include "retinaface/error.h"
#include "retinaface/version.h"

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

}  // namespace

int run_program(const Program& program, int argc, char** argv) {
  CLI::App app(program.summary, program.name);
  app.set_version_flag("--version", fmt::format("{} {}", program.name, version()));
  app.require_subcommand(1);
  app.footer(fmt::format("`{} COMMAND --help` says more about a command.", program.name));

  Action action;
  for (const Command& command : program.commands) {
    CLI::App* const part = app.add_subcommand(command.name, command.summary);
    part->footer("Examples:\n" + indented(command.examples));
    part->callback([&action, declared = command.declare(*part)] { action = declared; });
  }

  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    // Help and version end up here as well, with code 0.
    return app.exit(error) == 0 ? kSuccess : kWrongUsage;
  }
  try {
    return action();
  } catch (const UsageError& error) {
    fmt::print(stderr, "retinaface: {}\n", error.what());
    return kWrongUsage;
  } catch (const Error& error) {
    fmt::print(stderr, "retinaface: {}\n", error.what());
  } catch (const std::bad_alloc&) {
    fmt::print(stderr, "retinaface: out of memory\n");
  }
  return kSomeFailed;
}

}  // namespace retinaface::cli
