// The rows of SLOWLOG and LATENCY.
#include <utility>

#include "commands/command_table.h"
#include "commands/handlers.h"

namespace millrace::commands {
namespace {

constexpr uint32_t kAnyTime = kLoading | kStale;
constexpr std::string_view kServer = "server";
// One server of several answers for itself.
constexpr std::string_view kPerNode = "nondeterministic_output,request_policy:all_nodes,response_policy:special";
constexpr std::string_view kOnAllNodes = "request_policy:all_nodes,response_policy:all_succeeded";

CommandSpec row(std::string_view name, int arity, uint32_t flags, std::string_view since, std::string_view complexity,
                std::string_view tips, std::string_view syntax, std::string_view summary, Handler handler) {
  return {.name = name,
          .arity = arity,
          .flags = flags,
          .group = kServer,
          .since = since,
          .complexity = complexity,
          .summary = summary,
          .syntax = syntax,
          .tips = tips,
          .handler = handler};
}

CommandSpec container(std::string_view name, std::string_view since, std::string_view summary,
                      std::vector<CommandSpec> subcommands) {
  CommandSpec spec = row(name, -2, 0, since, "Depends on the subcommand.", "", "", summary, nullptr);
  spec.subcommands = std::move(subcommands);
  return spec;
}

CommandSpec help_row(std::string_view since, Handler handler) {
  return row("help", 2, kAnyTime, since, "O(1)", "", "", "Lists the subcommands.", handler);
}

std::vector<CommandSpec> slowlog_rows() {
  constexpr uint32_t kFlags = kAdmin | kAnyTime;
  constexpr std::string_view kSince = "2.2.12";
  return {
      row("get", -2, kFlags, kSince, "O(N) for N entries shown", "request_policy:all_nodes,nondeterministic_output",
          "[count:integer]", "Shows the newest entries: ten, or as many as asked for; -1 is all of them.",
          slowlog_get_command),
      row("len", 2, kFlags, kSince, "O(1)", "request_policy:all_nodes,response_policy:agg_sum,nondeterministic_output",
          "", "Counts the entries.", slowlog_len_command),
      row("reset", 2, kFlags, kSince, "O(N) for N entries", kOnAllNodes, "", "Removes all entries.",
          slowlog_reset_command),
      help_row("6.2.0", slowlog_help_command),
  };
}

std::vector<CommandSpec> latency_rows() {
  constexpr uint32_t kFlags = kAdmin | kNoScript | kAnyTime;
  constexpr std::string_view kSince = "2.8.13";
  return {
      row("doctor", 2, kFlags, kSince, "O(1)", kPerNode, "", "Explains in words what the latency monitor has seen.",
          latency_doctor_command),
      row("graph", 3, kFlags, kSince, "O(1)", kPerNode, "event:string", "Draws the times of an event.",
          latency_graph_command),
      row("histogram", -2, kFlags, "7.0.0", "O(N) for N commands that have been called", kPerNode,
          "[command:string...]", "Tells how many calls of commands took up to how many microseconds.",
          latency_histogram_command),
      row("history", 3, kFlags, kSince, "O(1)", kPerNode, "event:string",
          "Tells when an event took how many milliseconds.", latency_history_command),
      row("latest", 2, kFlags, kSince, "O(1)", kPerNode, "",
          "Tells of each event when it last took too long, for how long, and the longest time.",
          latency_latest_command),
      row("reset", -2, kFlags, kSince, "O(1)", kOnAllNodes, "[event:string...]",
          "Forgets the events named, or all, and counts those it has forgotten.", latency_reset_command),
      help_row(kSince, latency_help_command),
  };
}

}  // namespace

std::vector<CommandSpec> observation_command_rows() {
  return {
      container("slowlog", "2.2.12", "Shows which commands took long.", slowlog_rows()),
      container("latency", "2.8.13", "Shows what took long, and how long commands take.", latency_rows()),
  };
}

}  // namespace millrace::commands
