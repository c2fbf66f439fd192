// INFO: picks sections and joins them. The sections themselves: info_sections.h.
#include <cinttypes>
#include <cstdio>
#include <set>

#include "base/letters.h"
#include "base/numbers.h"
#include "commands/context.h"
#include "commands/handlers.h"
#include "commands/info_sections.h"
#include "resp/reply_writer.h"
#include "settings/directives.h"

namespace millrace::commands {
namespace {

constexpr InfoSection kSections[] = {
    {"server", "Server", true, info_server},
    {"clients", "Clients", true, info_clients},
    {"memory", "Memory", true, info_memory},
    {"persistence", "Persistence", true, info_persistence},
    {"stats", "Stats", true, info_stats},
    {"replication", "Replication", true, info_replication},
    {"cpu", "CPU", true, info_cpu},
    {"modules", "Modules", true, info_modules},
    {"commandstats", "Commandstats", false, info_commandstats},
    {"errorstats", "Errorstats", true, info_errorstats},
    {"latencystats", "Latencystats", false, info_latencystats},
    {"cluster", "Cluster", true, info_cluster},
    {"keyspace", "Keyspace", true, info_keyspace},
    {"millrace", "Millrace", true, info_millrace},
};

bool asks_for(std::string_view word, const InfoSection& section) {
  if (same_word(word, "all") || same_word(word, "everything")) return true;
  return same_word(word, "default") ? section.is_default : same_word(word, section.name);
}

bool is_wanted(std::span<const std::string_view> words, const InfoSection& section) {
  if (words.empty()) return section.is_default;
  for (const std::string_view word : words) {
    if (asks_for(word, section)) return true;
  }
  return false;
}

}  // namespace

void InfoText::heading(std::string_view title) {
  if (!text_.empty()) text_.append("\r\n");
  text_.append("# ").append(title).append("\r\n");
}

void InfoText::field(std::string_view name, std::string_view value) {
  text_.append(name).append(":").append(value).append("\r\n");
}

void InfoText::number(std::string_view name, int64_t value) {
  field(name, std::to_string(value));
}

void InfoText::number(std::string_view name, uint64_t value) {
  field(name, std::to_string(value));
}

void InfoText::decimal(std::string_view name, double value, int digits, std::string_view suffix) {
  char text[64];
  const int length = std::snprintf(text, sizeof text, "%.*f", digits, value);
  field(name, std::string(text, static_cast<size_t>(length)).append(suffix));
}

void InfoText::human(std::string_view name, uint64_t bytes) {
  field(name, human_bytes(bytes));
}

std::string human_bytes(uint64_t bytes) {
  if (bytes < 1024) return std::to_string(bytes) + "B";
  auto value = static_cast<double>(bytes) / 1024;
  std::string_view units = "KMGTP";
  while (value >= 1024 && units.size() > 1) {
    value /= 1024;
    units.remove_prefix(1);
  }
  char text[32];
  std::snprintf(text, sizeof text, "%.2f%c", value, units[0]);
  return text;
}

uint64_t total_of(const Server& server, Counter CoreStatistics::*counter) {
  uint64_t total = 0;
  for (const auto& core : server.statistics) total += (*core.*counter).get();
  return total;
}

void info_command(CommandContext& context) {
  InfoText out;
  for (const InfoSection& section : kSections) {
    if (!is_wanted(context.args.subspan(1), section)) continue;
    out.heading(section.title);
    section.write(context, out);
  }
  context.reply.verbatim("txt", out.text());
}

}  // namespace millrace::commands
