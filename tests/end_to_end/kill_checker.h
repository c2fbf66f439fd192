// KillChecker: what a job queue and counters may look like after the server was killed, given every reply it had sent
// before.
//
// Workers tell it what they are about to ask and what they were answered. An answered change has to be there
// afterwards; one that was asked for and not answered may be there or not. Any thread.
#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "end_to_end/client.h"
#include "support/resp_connection.h"

namespace millrace::test {

// "1526919030474-55", ordered as the server orders them.
struct EntryId {
  uint64_t ms = 0;
  uint64_t seq = 0;

  static EntryId parse(const std::string& text);
  std::string text() const { return std::to_string(ms) + "-" + std::to_string(seq); }
  auto operator<=>(const EntryId&) const = default;
};

class KillChecker {
 public:
  // ---- told by workers: `asks` before a request is sent, the others when it was answered
  void asks_to_add(const std::string& value);
  void added(const EntryId& id, const std::string& value);
  void asks_to_delete(const EntryId& id);
  void deleted(const EntryId& id);
  void asks_to_trim(const EntryId& before);
  void trimmed(const EntryId& before);
  // By XREADGROUP with '>'. Complains if any of them was delivered before.
  void delivered(const std::string& consumer, const std::vector<EntryId>& ids);
  void asks_to_acknowledge(const EntryId& id);
  void acknowledged(const EntryId& id);
  // A counter has one worker only. Complains if the answer is not what it has to be.
  void asks_to_count(const std::string& counter);
  void counted(const std::string& counter, int64_t value);
  // An id that was added and is not known to be gone; nothing if there is none. `random` picks.
  std::vector<EntryId> some_entry(uint64_t random) const;
  // One that `consumer` was given and has not tried to acknowledge.
  std::vector<EntryId> some_pending(const std::string& consumer) const;

  // ---- after the restart
  // Complains, by failed expectations, about everything in stream `key` and its group `group`, and about every counter,
  // that cannot be.
  void check(uint16_t port, const std::string& key, const std::string& group);

  uint64_t additions() const;
  uint64_t acknowledgements() const;

 private:
  void check_entries(const std::map<EntryId, std::string>& entries);
  void check_counters(RespConnection& connection);
  void check_pending(const std::map<EntryId, std::string>& pending, const EntryId& last_delivered);

  mutable std::mutex mutex_;
  std::set<std::string> values_asked_;
  std::map<EntryId, std::string> added_;
  std::set<EntryId> delete_asked_;
  std::set<EntryId> deleted_;
  EntryId trim_asked_;
  EntryId trimmed_;
  std::map<EntryId, std::string> delivered_;  // to whom
  std::set<EntryId> acknowledge_asked_;
  std::set<EntryId> acknowledged_;
  struct Counter {
    int64_t asked = 0;
    int64_t answered = 0;
  };
  std::map<std::string, Counter> counters_;
};

}  // namespace millrace::test
