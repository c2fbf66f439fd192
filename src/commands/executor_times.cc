// Executor: how long commands take, and who is told - commandstats, latencystats, the slowlog, the latency monitor.
//
// A command's time begins where the one before it in the run ended, and ends when others have been told what it
// changed. So it holds waiting for partitions that other cores hold; network and parsing come to nothing beside it.
// What the end of a run takes (handing its changes to the journal) is added to the last command in commandstats alone.
// A command that blocks counts in commandstats and, if that took long, in the latency monitor: how long its client
// waited says nothing about the server.
#include <algorithm>
#include <array>

#include "commands/executor.h"

namespace millrace::commands {

void Executor::begin_time() {
  if (is_timing_ || is_replay_) return;
  is_timing_ = true;
  timed_since_ns_ = host_.read_stopwatch();
}

// Ticks of two processors may differ by a few; time does not go back all the same.
uint64_t Executor::take_time() {
  const int64_t now_ns = host_.read_stopwatch();
  const int64_t passed_ns = std::max<int64_t>(0, now_ns - timed_since_ns_);
  timed_since_ns_ = now_ns;
  return static_cast<uint64_t>(passed_ns);
}

void Executor::end_time(const CommandSpec& spec, const Client& client, std::span<const std::string_view> args,
                        bool blocks, Instant now) {
  if (is_replay_) return;
  last_spec_ = &spec;
  if (publish_run_.is_open()) return;  // deliver_publishes() takes the time of all of them
  const uint64_t ns = take_time();
  if (!blocks) return charge(spec, client, args, ns, now);
  statistics_.commands[spec.index].nanoseconds.add(ns);
  watch_latency(spec, ns, now);
}

void Executor::end_run_time() {
  if (is_timing_ && last_spec_ != nullptr) statistics_.commands[last_spec_->index].nanoseconds.add(take_time());
  is_timing_ = false;
  last_spec_ = nullptr;
}

// They share the time that gathering and delivering them took.
void Executor::deliver_publishes() {
  if (!publish_run_.is_open()) return;
  publish_run_.deliver();
  if (is_replay_) return;
  const PublishRun::Delivered& delivered = publish_run_.delivered();
  const uint64_t each_ns = take_time() / delivered.payloads.size();
  for (const std::string_view payload : delivered.payloads) {
    const std::array<std::string_view, 3> args{delivered.command, delivered.channel, payload};
    charge(*delivered.spec, *delivered.client, args, each_ns, delivered.now);
  }
}

void Executor::charge(const CommandSpec& spec, const Client& client, std::span<const std::string_view> args,
                      uint64_t ns, Instant now) {
  constexpr auto kRelaxed = std::memory_order_relaxed;
  const settings::Settings& settings = server_.settings;
  CommandStatistics& row = statistics_.commands[spec.index];
  row.nanoseconds.add(ns);
  if (settings.latency_tracking.load(kRelaxed) != 0) row.latency.add(ns);
  watch_latency(spec, ns, now);
  const int64_t slow_us = settings.slowlog_log_slower_than_us.load(kRelaxed);
  const uint64_t us = ns / 1000;
  if (slow_us < 0 || us < static_cast<uint64_t>(slow_us) || (spec.flags & kSkipSlowlog) != 0) return;
  server_.slowlog.add({.unix_s = now.unix_ms / 1000,
                       .microseconds = us,
                       .arguments = Slowlog::shorten(args),
                       .address = client.fixed.address,
                       .name = client.names().name},
                      static_cast<size_t>(settings.slowlog_max_len.load(kRelaxed)));
}

void Executor::watch_latency(const CommandSpec& spec, uint64_t ns, Instant now) {
  server_.latency.add((spec.flags & kFast) != 0 ? "fast-command" : "command", static_cast<int64_t>(ns),
                      server_.settings.latency_monitor_threshold_ms.load(std::memory_order_relaxed),
                      now.unix_ms / 1000);
}

}  // namespace millrace::commands
