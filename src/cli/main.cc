#include <CLI/CLI.hpp>
#include <cstdio>
#include <exception>
#include <new>
#include <string>

#include <fmt/format.h>

#include "retinaface/error.h"
#include "retinaface/version.h"

#include "base/memory.h"
#include "cli/command.h"

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

int run(int argc, char** argv) {
  CLI::App app("Finds faces and their five points in pictures.", "retinaface");
  app.set_version_flag("--version", fmt::format("retinaface {}", version()));
  app.require_subcommand(1);
  app.footer("`retinaface COMMAND --help` says more about a command.");

  Action action;
  for (const Command& command : commands()) {
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

}  // namespace
}  // namespace retinaface::cli

int main(int argc, char** argv) {
  // What the default model takes, with a small picture beside it.
  constexpr std::size_t kWarmBytes = std::size_t{20} << 20;
  retinaface::keep_freed_memory(kWarmBytes);
  return retinaface::cli::run(argc, argv);
}
