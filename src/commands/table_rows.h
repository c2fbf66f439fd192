// What several families make their rows of: the usual columns, and what some rows need beside them. Only tables_*.cc
// include this.
#pragma once

#include <string_view>
#include <utility>
#include <vector>

#include "commands/command_table.h"

namespace millrace::commands {

// In the group of most of them; see change_all().
inline CommandSpec row(std::string_view name, int arity, uint32_t flags, std::string_view since,
                       std::string_view complexity, std::string_view syntax, std::string_view summary,
                       Handler handler) {
  return {.name = name,
          .arity = arity,
          .flags = flags,
          .group = "server",
          .since = since,
          .complexity = complexity,
          .summary = summary,
          .syntax = syntax,
          .handler = handler};
}

inline CommandSpec container(std::string_view name, std::string_view since, std::string_view summary,
                             std::vector<CommandSpec> subcommands) {
  CommandSpec spec = row(name, -2, 0, since, "Depends on the subcommand.", "", summary, nullptr);
  spec.subcommands = std::move(subcommands);
  return spec;
}

inline CommandSpec help_row(std::string_view since, Handler handler) {
  return row("help", 2, kLoading | kStale, since, "O(1)", "", "Lists the subcommands.", handler);
}

inline CommandSpec with_tips(std::string_view tips, CommandSpec spec) {
  spec.tips = tips;
  return spec;
}

inline CommandSpec in_categories(std::string_view categories, CommandSpec spec) {
  spec.categories = categories;
  return spec;
}

// What is the same for all these rows and their subcommands.
template <typename Change>
std::vector<CommandSpec> change_all(std::vector<CommandSpec> rows, Change change) {
  for (CommandSpec& spec : rows) {
    change(spec);
    spec.subcommands = change_all(std::move(spec.subcommands), change);
  }
  return rows;
}

}  // namespace millrace::commands
