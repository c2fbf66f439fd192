// See client_line.h.
#include "commands/client_line.h"

#include <algorithm>
#include <array>
#include <string_view>

#include "commands/client_memory.h"
#include "commands/command_table.h"

namespace millrace::commands {
namespace {

constexpr auto kRelaxed = std::memory_order_relaxed;

// Everything a field may be made of, gathered once per line.
struct Subject {
  const Client& client;
  const Client::Card& card;
  Client::Names names;
  int64_t now_unix_ms;
};

std::string number(uint64_t value) {
  return std::to_string(value);
}

std::string seconds_since(int64_t then_ms, int64_t now_ms) {
  return std::to_string(std::max<int64_t>(0, now_ms - then_ms) / 1000);
}

std::string flag_letters(const Subject& of) {
  std::string letters;
  if (of.card.is_monitor.load(kRelaxed)) letters += 'O';
  if (of.client.is_pubsub()) letters += 'P';
  if (of.card.transaction.queued.load(kRelaxed) >= 0) letters += 'x';
  if (of.card.blocked.load(kRelaxed)) letters += 'b';
  if (of.card.tracking.has(kTrackingOn)) letters += 't';
  if (of.card.tracking.is_redirect_broken()) letters += 'R';
  if (of.card.tracking.has(kTrackingBroadcast)) letters += 'B';
  if (of.client.watcher->is_touched()) letters += 'd';
  if (of.client.is_leaving.load(kRelaxed)) letters += 'c';
  if (of.client.fixed.is_unix) letters += 'U';
  if (of.card.no_evict.load(kRelaxed)) letters += 'e';
  if (of.card.no_touch.load(kRelaxed)) letters += 'T';
  return letters.empty() ? "N" : letters;
}

std::string command_name(const Subject& of) {
  const CommandSpec* spec = of.card.last_command.load(kRelaxed);
  return spec == nullptr ? "NULL" : spec->full_name;
}

// As long as no more waits than fits into Redis's fixed reply buffer it shows as the content of that (obl), and beyond
// as a list of buffers (oll, omem), which is what monitoring programs look at.
bool has_backlog(const Subject& of) {
  constexpr uint64_t kReplyBufferBytes = 16 * 1024;
  return of.card.output_buffer_bytes.load(kRelaxed) > kReplyBufferBytes;
}

// Once one of them was changed, the others do not matter any more.
uint64_t watched_keys(const Subject& of) {
  return of.client.watcher->is_touched() ? 0 : of.card.transaction.watched.load(kRelaxed);
}

struct Field {
  std::string_view name;
  uint32_t since;  // as compat_version
  std::string (*value)(const Subject& of);
};

template <char... text>
std::string always(const Subject&) {
  return {text...};
}

using S = const Subject&;

// In Redis's order.
constexpr std::array<Field, 35> kFields{{
    {"id", 0, [](S of) { return number(of.client.fixed.id); }},
    {"addr", 0, [](S of) { return of.client.fixed.address; }},
    {"laddr", 0, [](S of) { return of.client.fixed.local_address; }},
    {"fd", 0, [](S of) { return std::to_string(of.client.fixed.fd); }},
    {"name", 0, [](S of) { return of.names.name; }},
    {"age", 0, [](S of) { return seconds_since(of.client.fixed.created_unix_ms, of.now_unix_ms); }},
    {"idle", 0, [](S of) { return seconds_since(of.card.last_interaction_ms.load(kRelaxed), of.now_unix_ms); }},
    {"flags", 0, flag_letters},
    {"db", 0, [](S of) { return std::to_string(of.card.database.load(kRelaxed)); }},
    {"sub", 0, [](S of) { return std::to_string(of.card.channels.load(kRelaxed)); }},
    {"psub", 0, [](S of) { return std::to_string(of.card.patterns.load(kRelaxed)); }},
    {"ssub", 0, [](S of) { return std::to_string(of.card.shard_channels.load(kRelaxed)); }},
    {"multi", 0, [](S of) { return std::to_string(of.card.transaction.queued.load(kRelaxed)); }},
    {"watch", 0x00070400, [](S of) { return number(watched_keys(of)); }},
    {"qbuf", 0, [](S of) { return number(of.card.query_buffer_bytes.load(kRelaxed)); }},
    {"qbuf-free", 0, [](S of) { return number(of.card.query_buffer_free_bytes.load(kRelaxed)); }},
    {"argv-mem", 0, [](S of) { return number(of.card.argument_bytes.load(kRelaxed)); }},
    {"multi-mem", 0, [](S of) { return number(of.card.transaction.queued_bytes.load(kRelaxed)); }},
    {"rbs", 0, [](S of) { return number(of.card.output_capacity_bytes.load(kRelaxed)); }},
    {"rbp", 0, [](S of) { return number(of.card.output_peak_bytes.load(kRelaxed)); }},
    {"obl", 0, [](S of) { return has_backlog(of) ? "0" : number(of.card.output_buffer_bytes.load(kRelaxed)); }},
    {"oll", 0, [](S of) { return has_backlog(of) ? number(of.card.output_batches.load(kRelaxed)) : "0"; }},
    {"omem", 0, [](S of) { return has_backlog(of) ? number(of.card.output_capacity_bytes.load(kRelaxed)) : "0"; }},
    {"tot-mem", 0, [](S of) { return number(memory_of(of.client)); }},
    {"events", 0, [](S of) { return std::string(of.card.is_sending.load(kRelaxed) ? "rw" : "r"); }},
    {"cmd", 0, command_name},
    {"user", 0, [](S of) { return of.names.user; }},
    {"redir", 0, [](S of) { return std::to_string(of.card.tracking.shown_redirect()); }},
    {"resp", 0, [](S of) { return std::to_string(of.card.protocol.load(kRelaxed)); }},
    {"lib-name", 0x00070200, [](S of) { return of.names.library_name; }},
    {"lib-ver", 0x00070200, [](S of) { return of.names.library_version; }},
    {"io-thread", 0x00080000, [](S of) { return std::to_string(of.client.fixed.core); }},
    {"tot-net-in", 0x00080200, [](S of) { return number(of.card.input_bytes.get()); }},
    {"tot-net-out", 0x00080200, [](S of) { return number(of.card.output_bytes.get()); }},
    {"tot-cmds", 0x00080200, [](S of) { return number(of.card.commands.get()); }},
}};

}  // namespace

void append_client_line(std::string& out, const Client& client, int64_t now_unix_ms, uint32_t compat_version) {
  const Subject subject{client, client.card, client.names(), now_unix_ms};
  bool is_first = true;
  for (const Field& field : kFields) {
    if (field.since > compat_version) continue;
    if (!is_first) out += ' ';
    is_first = false;
    out += field.name;
    out += '=';
    out += field.value(subject);
  }
}

}  // namespace millrace::commands
