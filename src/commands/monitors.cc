// See monitors.h.
#include "commands/monitors.h"

#include <algorithm>
#include <cstdio>
#include <string>

#include "commands/context.h"
#include "commands/secrets.h"

namespace millrace::commands {
namespace {

// Between double quotes, with the escapes that redis-cli reads back.
void append_quoted(std::string& line, std::string_view word) {
  line += '"';
  for (const char c : word) {
    constexpr std::string_view kSpecial = "\\\"\n\r\t\a\b";
    constexpr std::string_view kLetters = "\\\"nrtab";
    const size_t special = kSpecial.find(c);
    if (special != std::string_view::npos) {
      line += '\\';
      line += kLetters[special];
    } else if (c >= ' ' && c <= '~') {
      line += c;
    } else {
      char escape[5];
      std::snprintf(escape, sizeof(escape), "\\x%02x", static_cast<unsigned char>(c));
      line += escape;
    }
  }
  line += '"';
}

// A unix socket's clients are shown by its path; their addresses end in ":0".
std::string place_of(const Client& sender) {
  const std::string& address = sender.fixed.address;
  return sender.fixed.is_unix ? "unix:" + address.substr(0, address.rfind(':')) : address;
}

std::string line_of(const Client& sender, int database, std::span<const std::string_view> args, Instant now) {
  char time[40];
  std::snprintf(time, sizeof(time), "+%lld.%06d", static_cast<long long>(now.unix_ms / 1000),
                static_cast<int>(now.unix_ms % 1000 * 1000 + now.unix_us));
  std::string line = time;
  line += " [" + std::to_string(database) + " " + place_of(sender) + "]";
  for (size_t i = 0; i < args.size(); i++) {
    line += ' ';
    append_quoted(line, is_secret(args, i) ? kRedacted : args[i]);
  }
  line += "\r\n";
  return line;
}

}  // namespace

void Monitors::add(Client& client) {
  MutexLock lock(mutex_);
  clients_.push_back(&client);
  count_.store(clients_.size(), std::memory_order_relaxed);
}

void Monitors::remove(Client& client) {
  if (empty()) return;
  MutexLock lock(mutex_);
  std::erase(clients_, &client);
  count_.store(clients_.size(), std::memory_order_relaxed);
}

void Monitors::tell(Host& host, const Client& sender, int database, std::span<const std::string_view> args,
                    Instant now) {
  const std::string line = line_of(sender, database, args, now);
  MutexLock lock(mutex_);
  for (Client* client : clients_) {
    const bool has_said_goodbye = client == &sender && sender.session.close_after_reply;
    if (!has_said_goodbye) host.deliver(*client, line);
  }
}

}  // namespace millrace::commands
