// LATENCY: what latency_monitor.h has kept, and how long each command's calls took (latency_histogram.h).
#include <algorithm>
#include <functional>
#include <memory>

#include "commands/command_table.h"
#include "commands/context.h"
#include "commands/handlers.h"
#include "commands/help.h"
#include "commands/latency_report.h"
#include "resp/errors.h"

namespace millrace::commands {
namespace {

void write_levels(CommandContext& context, const CommandSpec& spec, const LatencyTotals& totals) {
  resp::ReplyWriter& reply = context.reply;
  reply.bulk(spec.full_name);
  reply.map(2);
  reply.bulk("calls");
  reply.integer(static_cast<int64_t>(totals.count()));
  reply.bulk("histogram_usec");
  const size_t token = reply.begin_array();
  int64_t levels = 0;
  totals.for_each_level([&](uint64_t microseconds, uint64_t calls) {
    reply.integer(static_cast<int64_t>(microseconds));
    reply.integer(static_cast<int64_t>(calls));
    ++levels;
  });
  reply.end_map(token, levels);
}

// False if the command has not been called.
bool write_histogram(CommandContext& context, const CommandSpec& spec) {
  const std::unique_ptr<LatencyTotals> totals = latency_totals(context.server, spec.index);
  if (totals->count() == 0) return false;
  write_levels(context, spec, *totals);
  return true;
}

// Itself, and its subcommands.
int64_t write_histograms_of(CommandContext& context, const CommandSpec& spec) {
  int64_t count = write_histogram(context, spec) ? 1 : 0;
  for (const CommandSpec& subcommand : spec.subcommands) count += write_histogram(context, subcommand) ? 1 : 0;
  return count;
}

}  // namespace

void latency_history_command(CommandContext& context) {
  const LatencyMonitor::Series series = context.server.latency.series(context.args[2]);
  context.reply.array(static_cast<int64_t>(series.samples.size()));
  for (const LatencyMonitor::Sample& sample : series.samples) {
    context.reply.array(2);
    context.reply.integer(sample.unix_s);
    context.reply.integer(sample.ms);
  }
}

void latency_latest_command(CommandContext& context) {
  const LatencyMonitor::Events events = context.server.latency.events();
  context.reply.array(static_cast<int64_t>(events.size()));
  for (const auto& [event, series] : events) {
    context.reply.array(4);
    context.reply.bulk(event);
    context.reply.integer(series.samples.back().unix_s);
    context.reply.integer(series.samples.back().ms);
    context.reply.integer(series.ms_max);
  }
}

void latency_reset_command(CommandContext& context) {
  const auto names = context.args.subspan(2);
  LatencyMonitor& latency = context.server.latency;
  if (names.empty()) return context.reply.integer(static_cast<int64_t>(latency.reset_all()));
  context.reply.integer(std::ranges::count_if(names, [&](std::string_view name) { return latency.reset(name); }));
}

void latency_graph_command(CommandContext& context) {
  const std::string_view event = context.args[2];
  const LatencyMonitor::Series series = context.server.latency.series(event);
  if (series.samples.empty()) return context.reply.error(resp::no_latency_samples(event));
  context.reply.verbatim("txt", latency_graph(event, series, context.now.unix_ms / 1000));
}

void latency_doctor_command(CommandContext& context) {
  const settings::Settings& settings = context.server.settings;
  const LatencySettings shown{.threshold_ms = settings.latency_monitor_threshold_ms.load(std::memory_order_relaxed),
                              .slowlog_us = settings.slowlog_log_slower_than_us.load(std::memory_order_relaxed),
                              .slowlog_length = settings.slowlog_max_len.load(std::memory_order_relaxed)};
  context.reply.verbatim("txt", latency_diagnosis(context.server.latency.events(), shown));
}

void latency_histogram_command(CommandContext& context) {
  const CommandTable& table = *context.spec.table;
  const size_t token = context.reply.begin_array();
  int64_t count = 0;
  if (context.args.size() == 2) {
    for (const CommandSpec& row : table.rows()) count += write_histograms_of(context, row);
  }
  for (const std::string_view name : context.args.subspan(2)) {
    const CommandSpec* spec = table.find_named(name);
    if (spec != nullptr) count += write_histograms_of(context, *spec);
  }
  context.reply.end_map(token, count);
}

void latency_help_command(CommandContext& context) {
  write_help(context);
}

}  // namespace millrace::commands
