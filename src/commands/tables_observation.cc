// The rows of SLOWLOG and LATENCY.
#include "commands/handlers.h"
#include "commands/table_rows.h"

namespace millrace::commands {
namespace {

constexpr uint32_t kAnyTime = kLoading | kStale;
// One server of several answers for itself.
constexpr std::string_view kPerNode = "nondeterministic_output,request_policy:all_nodes,response_policy:special";
constexpr std::string_view kOnAllNodes = "request_policy:all_nodes,response_policy:all_succeeded";

std::vector<CommandSpec> slowlog_rows() {
  constexpr uint32_t kFlags = kAdmin | kAnyTime;
  constexpr std::string_view kSince = "2.2.12";
  return {
      with_tips("request_policy:all_nodes,nondeterministic_output",
                row("get", -2, kFlags, kSince, "O(N) for N entries shown", "[count:integer]",
                    "Shows the newest entries: ten, or as many as asked for; -1 is all of them.", slowlog_get_command)),
      with_tips("request_policy:all_nodes,response_policy:agg_sum,nondeterministic_output",
                row("len", 2, kFlags, kSince, "O(1)", "", "Counts the entries.", slowlog_len_command)),
      with_tips(kOnAllNodes, row("reset", 2, kFlags, kSince, "O(N) for N entries", "", "Removes all entries.",
                                 slowlog_reset_command)),
      help_row("6.2.0", slowlog_help_command),
  };
}

std::vector<CommandSpec> latency_rows() {
  constexpr uint32_t kFlags = kAdmin | kNoScript | kAnyTime;
  constexpr std::string_view kSince = "2.8.13";
  return {
      with_tips(kPerNode, row("doctor", 2, kFlags, kSince, "O(1)", "",
                              "Explains in words what the latency monitor has seen.", latency_doctor_command)),
      with_tips(kPerNode, row("graph", 3, kFlags, kSince, "O(1)", "event:string", "Draws the times of an event.",
                              latency_graph_command)),
      with_tips(
          kPerNode,
          row("histogram", -2, kFlags, "7.0.0", "O(N) for N commands that have been called", "[command:string...]",
              "Tells how many calls of commands took up to how many microseconds.", latency_histogram_command)),
      with_tips(kPerNode, row("history", 3, kFlags, kSince, "O(1)", "event:string",
                              "Tells when an event took how many milliseconds.", latency_history_command)),
      with_tips(kPerNode, row("latest", 2, kFlags, kSince, "O(1)", "",
                              "Tells of each event when it last took too long, for how long, and the longest time.",
                              latency_latest_command)),
      with_tips(kOnAllNodes,
                row("reset", -2, kFlags, kSince, "O(1)", "[event:string...]",
                    "Forgets the events named, or all, and counts those it has forgotten.", latency_reset_command)),
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
