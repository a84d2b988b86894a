#include "cli/manual.h"

#include <algorithm>
#include <memory>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "retinaface/version.h"

#include "cli/values.h"

namespace retinaface::cli {
namespace {

struct OptionEntry {
  std::vector<std::string> names;  ///< "--model", "-h"; empty for a positional argument
  std::string positional;
  std::string description;
  std::string initial;  ///< default, as text
  bool takes_value = false;
};

struct CommandEntry {
  std::string name;  ///< "evaluate wider"
  std::string description;
  std::vector<OptionEntry> options;
  std::string footer;
};

OptionEntry entry_of(const CLI::Option& option) {
  OptionEntry entry;
  for (const std::string& name : option.get_lnames()) entry.names.push_back("--" + name);
  for (const std::string& name : option.get_snames()) entry.names.push_back("-" + name);
  entry.positional = option.get_positional() ? option.get_name(true) : "";
  entry.description = option.get_description();
  entry.initial = option.get_default_str();
  entry.takes_value = option.get_items_expected_max() > 0;
  return entry;
}

void collect(const CLI::App& app, const std::string& prefix, std::vector<CommandEntry>& commands) {
  for (const CLI::App* part : app.get_subcommands(nullptr)) {
    if (part->get_group().empty()) continue;
    CommandEntry entry{prefix + part->get_name(), part->get_description(), {}, part->get_footer()};
    for (const CLI::Option* option : part->get_options())
      entry.options.push_back(entry_of(*option));
    commands.push_back(std::move(entry));
    collect(*part, prefix + part->get_name() + " ", commands);
  }
}

std::vector<CommandEntry> commands_of(const CLI::App& app) {
  std::vector<CommandEntry> commands;
  collect(app, "", commands);
  return commands;
}

/// Text for groff: no line that begins like a request, no escape but ours.
std::string roff(const std::string& text) {
  std::string result;
  bool line_begins = true;
  for (const char c : text) {
    if (line_begins && (c == '.' || c == '\'')) result += "\\&";
    if (c == '\\') {
      result += "\\e";
    } else if (c == '-') {
      result += "\\-";
    } else {
      result += c;
    }
    line_begins = c == '\n';
  }
  return result;
}

/// In single quotes for a shell, within which zsh's _arguments reads a description in brackets.
std::string shell_text(const std::string& text) {
  std::string result;
  for (const char c : text) {
    if (c == '\'') {
      result += "'\\''";
    } else if (c == '[' || c == ']' || c == ':' || c == '\\') {
      result += '\\';
      result += c;
    } else {
      result += c == '\n' ? ' ' : c;
    }
  }
  return result;
}

std::vector<std::string> names_below(const std::vector<CommandEntry>& commands,
                                     const std::string& prefix) {
  std::vector<std::string> names;
  for (const CommandEntry& command : commands) {
    if (!command.name.starts_with(prefix)) continue;
    const std::string rest = command.name.substr(prefix.size());
    if (rest.find(' ') == std::string::npos) names.push_back(rest);
  }
  return names;
}

std::vector<std::string> words_for(const std::vector<CommandEntry>& commands,
                                   const CommandEntry& command) {
  std::vector<std::string> words = names_below(commands, command.name + " ");
  for (const OptionEntry& option : command.options) {
    words.insert(words.end(), option.names.begin(), option.names.end());
  }
  return words;
}

}  // namespace

std::string man_page(const CLI::App& app) {
  std::string page = fmt::format(
      ".TH {0} 1 \"\" \"{1} {2}\" \"User commands\"\n.SH NAME\n{1} \\- {3}\n"
      ".SH SYNOPSIS\n.B {1}\n.I COMMAND\n[options]\n.SH COMMANDS\n",
      "RETINAFACE", app.get_name(), version(), roff(app.get_description()));
  for (const CommandEntry& command : commands_of(app)) {
    page += fmt::format(".SS {} {}\n{}\n", roff(app.get_name()), roff(command.name),
                        roff(command.description));
    for (const OptionEntry& option : command.options) {
      const std::string name = option.names.empty()
                                   ? option.positional
                                   : fmt::format("{}", fmt::join(option.names, ", "));
      page += fmt::format(".TP\n.B {}\n{}{}\n", roff(name), roff(option.description),
                          option.initial.empty() ? "" : roff(" (default " + option.initial + ")"));
    }
    if (!command.footer.empty()) page += fmt::format(".PP\n.nf\n{}\n.fi\n", roff(command.footer));
  }
  page +=
      ".SH EXIT STATUS\n0: all well. 1: some inputs failed, each with one line on standard error.\n"
      "2: wrong usage.\n";
  return page;
}

std::string bash_completion(const CLI::App& app) {
  const std::vector<CommandEntry> commands = commands_of(app);
  std::string script = fmt::format(
      "# bash completion for {0}: source <({0} completion bash)\n"
      "_{0}() {{\n"
      "  local current=\"${{COMP_WORDS[COMP_CWORD]}}\" command=\"\" words word\n"
      "  for word in \"${{COMP_WORDS[@]:1:COMP_CWORD-1}}\"; do\n"
      "    case \"$command $word\" in\n",
      app.get_name());
  for (const CommandEntry& command : commands) {
    script += fmt::format("      ' {0}') command=' {0}' ;;\n", command.name);
  }
  script += "    esac\n  done\n  case \"$command\" in\n";
  for (const CommandEntry& command : commands) {
    script += fmt::format("    ' {}') words='{}' ;;\n", command.name,
                          fmt::join(words_for(commands, command), " "));
  }
  std::vector<std::string> groups;  // whose first word is a command
  for (const CommandEntry& command : commands) {
    if (!names_below(commands, command.name + " ").empty()) groups.push_back(command.name);
  }
  script += fmt::format(
      "    *) words='{} help --help --version' ;;\n  esac\n"
      "  if [[ -z \"$command\" || \"$current\" == -* || ' {} ' == *\"$command \"* ]]; then\n"
      "    COMPREPLY=($(compgen -W \"$words\" -- \"$current\"))\n"
      "  else\n    COMPREPLY=($(compgen -f -- \"$current\"))\n  fi\n}}\n"
      "complete -o filenames -F _{} {}\n",
      fmt::join(names_below(commands, ""), " "), fmt::join(groups, " "), app.get_name(),
      app.get_name());
  return script;
}

std::string zsh_completion(const CLI::App& app) {
  const std::vector<CommandEntry> commands = commands_of(app);
  std::string script = fmt::format(
      "#compdef {0}\n# zsh completion for {0}: {0} completion zsh > DIR_OF_FPATH/_{0}\n"
      "_{0}() {{\n  local -a commands\n  commands=(\n",
      app.get_name());
  for (const CommandEntry& command : commands) {
    if (command.name.find(' ') == std::string::npos) {
      script += fmt::format("    '{}:{}'\n", command.name, shell_text(command.description));
    }
  }
  script +=
      "  )\n  if (( CURRENT == 2 )); then\n    _describe command commands\n    return\n  fi\n"
      "  case \"${words[2]} ${words[3]}\" in\n";
  // The longer names first: "evaluate wider" before "evaluate".
  std::vector<const CommandEntry*> order;
  for (const CommandEntry& command : commands) order.push_back(&command);
  std::ranges::stable_sort(order, std::greater(), [](const CommandEntry* command) {
    return std::ranges::count(command->name, ' ');
  });
  for (const CommandEntry* command : order) {
    const bool nested = command->name.find(' ') != std::string::npos;
    script += nested ? fmt::format("    '{}') _arguments", command->name)
                     : fmt::format("    '{} '*) _arguments", command->name);
    const auto below = names_below(commands, command->name + " ");
    if (!below.empty()) script += fmt::format(" '2:command:({})'", fmt::join(below, " "));
    for (const OptionEntry& option : command->options) {
      for (const std::string& name : option.names) {
        script += fmt::format(" \\\n      '{}[{}]{}'", name, shell_text(option.description),
                              option.takes_value ? ":value:_files" : "");
      }
    }
    script += " \\\n      '*:file:_files' ;;\n";
  }
  script += fmt::format("  esac\n}}\n_{0} \"$@\"\n", app.get_name());
  return script;
}

void add_manual_commands(CLI::App& app, Action& action) {
  CLI::App* const completion =
      app.add_subcommand("completion", "print a script that completes commands in a shell");
  completion->footer(
      fmt::format("Examples:\n  source <({0} completion bash)\n"
                  "  {0} completion zsh > ~/.zfunc/_{0}",
                  app.get_name()));
  const auto shell = std::make_shared<std::string>();
  completion->add_option("SHELL", *shell, "bash or zsh")
      ->required()
      ->check(one_of({"bash", "zsh"}));
  completion->callback([&app, &action, shell] {
    action = [&app, shell] {
      fmt::print("{}", *shell == "bash" ? bash_completion(app) : zsh_completion(app));
      return kSuccess;
    };
  });
  CLI::App* const page = app.add_subcommand("man-page", "print the manual for man")->group("");
  page->callback([&app, &action] {
    action = [&app] {
      fmt::print("{}", man_page(app));
      return kSuccess;
    };
  });
}

}  // namespace retinaface::cli
