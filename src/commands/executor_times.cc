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

void Executor::end_time(const Call& call, bool blocks) {
  if (is_replay_) return;
  last_spec_ = call.spec;
  if (publish_run_.is_open()) return;  // deliver_publishes() takes the time of all of them
  charge(call, take_time(), blocks);
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
    charge({delivered.spec, *delivered.client, args, delivered.now}, each_ns, /*blocks=*/false);
  }
}

void Executor::charge(const Call& call, uint64_t ns, bool blocks) {
  constexpr auto kRelaxed = std::memory_order_relaxed;
  const settings::Settings& settings = server_.settings;
  CommandStatistics& row = statistics_.commands[call.spec->index];
  row.nanoseconds.add(ns);
  const int64_t threshold_ms = settings.latency_monitor_threshold_ms.load(kRelaxed);
  if (threshold_ms != 0) note_latency(call, ns, threshold_ms);
  if (blocks) return;
  if (settings.latency_tracking.load(kRelaxed) != 0) row.latency.add(ns);
  const int64_t slow_us = settings.slowlog_log_slower_than_us.load(kRelaxed);
  const uint64_t us = ns / 1000;
  if (slow_us >= 0 && us >= static_cast<uint64_t>(slow_us)) note_slow(call, us);
}

void Executor::note_slow(const Call& call, uint64_t us) {
  if ((call.spec->flags & kSkipSlowlog) != 0) return;
  server_.slowlog.add({.unix_s = call.now.unix_ms / 1000,
                       .microseconds = us,
                       .arguments = Slowlog::shorten(call.args),
                       .address = call.client.fixed.address,
                       .name = call.client.names().name},
                      static_cast<size_t>(server_.settings.slowlog_max_len.load(std::memory_order_relaxed)));
}

void Executor::note_latency(const Call& call, uint64_t ns, int64_t threshold_ms) {
  server_.latency.add((call.spec->flags & kFast) != 0 ? "fast-command" : "command", static_cast<int64_t>(ns),
                      threshold_ms, call.now.unix_ms / 1000);
}

}  // namespace millrace::commands
