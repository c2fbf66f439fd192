// The sections of INFO: one table of {name, heading, function}, in Redis's order, our own last. Field names, their
// order and their formats are Redis's, because monitoring programs parse them by position and by substring.
//
//   # Server<CR><LF>
//   redis_version:7.2.4<CR><LF>
//   ...
//   <CR><LF>                      between sections
//
// Functions run without any partition held; the one that counts keys locks one partition at a time.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "commands/context.h"

namespace millrace::commands {

// Appends "name:value" lines.
class InfoText {
 public:
  void heading(std::string_view title);
  void field(std::string_view name, std::string_view value);
  void number(std::string_view name, int64_t value);
  void number(std::string_view name, uint64_t value);
  void number(std::string_view name, int value) { number(name, static_cast<int64_t>(value)); }
  void decimal(std::string_view name, double value, int digits, std::string_view suffix = "");
  void human(std::string_view name, uint64_t bytes);  // "1.50M"

  const std::string& text() const { return text_; }

 private:
  std::string text_;
};

struct InfoSection {
  std::string_view name;  // as INFO takes it
  std::string_view title;
  bool is_default;
  void (*write)(CommandContext& context, InfoText& out);
};

// A statistic added up over all cores.
uint64_t total_of(const Server& server, Counter CoreStatistics::*counter);

std::string human_bytes(uint64_t bytes);

// ---- info_server.cc: the process and its clients
void info_server(CommandContext& context, InfoText& out);
void info_clients(CommandContext& context, InfoText& out);
void info_cpu(CommandContext& context, InfoText& out);
void info_millrace(CommandContext& context, InfoText& out);
// ---- info_memory.cc
void info_memory(CommandContext& context, InfoText& out);
// ---- info_persistence.cc: snapshots, the journal, loading
void info_persistence(CommandContext& context, InfoText& out);
// ---- info_statistics.cc: what happened so far
void info_stats(CommandContext& context, InfoText& out);
void info_replication(CommandContext& context, InfoText& out);
void info_modules(CommandContext& context, InfoText& out);
void info_commandstats(CommandContext& context, InfoText& out);
void info_errorstats(CommandContext& context, InfoText& out);
void info_latencystats(CommandContext& context, InfoText& out);
void info_cluster(CommandContext& context, InfoText& out);
void info_keyspace(CommandContext& context, InfoText& out);

}  // namespace millrace::commands
