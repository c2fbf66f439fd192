// See kill_checker.h.
#include "end_to_end/kill_checker.h"

#include <gtest/gtest.h>

#include <memory>

#include "base/check.h"
#include "support/resp_connection.h"
#include "support/resp_reply.h"

namespace millrace::test {
namespace {

using Lock = std::lock_guard<std::mutex>;

Reply ask(RespConnection& connection, const Words& words) {
  const std::string bytes = connection.command(words);
  Reply reply;
  size_t position = 0;
  EXPECT_EQ(read_reply(bytes, position, reply), ReplyStatus::kComplete) << connection.error();
  EXPECT_FALSE(reply.is_error()) << reply.text;
  return reply;
}

std::map<EntryId, std::string> read_entries(RespConnection& connection, const std::string& key) {
  std::map<EntryId, std::string> entries;
  for (const Reply& entry : ask(connection, {"XRANGE", key, "-", "+"}).items) {
    const bool is_new = entries.emplace(EntryId::parse(entry.items[0].text), entry.items[1].items[1].text).second;
    EXPECT_TRUE(is_new) << "two entries have the id " << entry.items[0].text;
  }
  return entries;
}

std::map<EntryId, std::string> read_pending(RespConnection& connection, const std::string& key,
                                            const std::string& group) {
  std::map<EntryId, std::string> pending;
  for (const Reply& entry : ask(connection, {"XPENDING", key, group, "-", "+", "100000000"}).items) {
    pending.emplace(EntryId::parse(entry.items[0].text), entry.items[1].text);
  }
  return pending;
}

// The value of a name in a flat array of names and values.
const Reply& field(const Reply& reply, std::string_view name) {
  for (size_t i = 0; i + 1 < reply.items.size(); i += 2) {
    if (reply.items[i].text == name) return reply.items[i + 1];
  }
  CHECK(false);
}

}  // namespace

EntryId EntryId::parse(const std::string& text) {
  const size_t dash = text.find('-');
  CHECK(dash != std::string::npos);
  return {std::stoull(text.substr(0, dash)), std::stoull(text.substr(dash + 1))};
}

void KillChecker::asks_to_add(const std::string& value) {
  const Lock lock(mutex_);
  values_asked_.insert(value);
}

void KillChecker::added(const EntryId& id, const std::string& value) {
  const Lock lock(mutex_);
  EXPECT_TRUE(added_.emplace(id, value).second) << id.text() << " was given twice";
}

void KillChecker::asks_to_delete(const EntryId& id) {
  const Lock lock(mutex_);
  delete_asked_.insert(id);
}

void KillChecker::deleted(const EntryId& id) {
  const Lock lock(mutex_);
  deleted_.insert(id);
}

void KillChecker::asks_to_trim(const EntryId& before) {
  const Lock lock(mutex_);
  trim_asked_ = std::max(trim_asked_, before);
}

void KillChecker::trimmed(const EntryId& before) {
  const Lock lock(mutex_);
  trimmed_ = std::max(trimmed_, before);
}

void KillChecker::delivered(const std::string& consumer, const std::vector<EntryId>& ids) {
  const Lock lock(mutex_);
  for (const EntryId& id : ids) {
    const auto [place, is_new] = delivered_.emplace(id, consumer);
    EXPECT_TRUE(is_new) << id.text() << " went to " << place->second << " and to " << consumer;
  }
}

void KillChecker::asks_to_acknowledge(const EntryId& id) {
  const Lock lock(mutex_);
  acknowledge_asked_.insert(id);
}

void KillChecker::acknowledged(const EntryId& id) {
  const Lock lock(mutex_);
  acknowledged_.insert(id);
}

void KillChecker::asks_to_count(const std::string& counter) {
  const Lock lock(mutex_);
  ++counters_[counter].asked;
}

void KillChecker::counted(const std::string& counter, int64_t value) {
  const Lock lock(mutex_);
  EXPECT_EQ(value, ++counters_[counter].answered) << counter;
}

std::vector<EntryId> KillChecker::some_entry(uint64_t random) const {
  const Lock lock(mutex_);
  if (added_.empty()) return {};
  auto place = added_.lower_bound(trim_asked_);
  for (uint64_t steps = random % 100; steps > 0 && place != added_.end(); --steps) ++place;
  if (place == added_.end() || delete_asked_.contains(place->first)) return {};
  return {place->first};
}

std::vector<EntryId> KillChecker::some_pending(const std::string& consumer) const {
  const Lock lock(mutex_);
  for (auto place = delivered_.rbegin(); place != delivered_.rend(); ++place) {
    if (place->second == consumer && !acknowledge_asked_.contains(place->first)) return {place->first};
  }
  return {};
}

uint64_t KillChecker::additions() const {
  const Lock lock(mutex_);
  return added_.size();
}

uint64_t KillChecker::acknowledgements() const {
  const Lock lock(mutex_);
  return acknowledged_.size();
}

void KillChecker::check(uint16_t port, const std::string& key, const std::string& group) {
  const Lock lock(mutex_);
  const auto connection = RespConnection::connect(port);
  ASSERT_NE(connection, nullptr);
  check_counters(*connection);
  const auto entries = read_entries(*connection, key);
  check_entries(entries);
  EXPECT_EQ(ask(*connection, {"XLEN", key}).number, static_cast<int64_t>(entries.size()));

  const Reply groups = ask(*connection, {"XINFO", "GROUPS", key});
  ASSERT_EQ(groups.items.size(), 1u);
  const auto pending = read_pending(*connection, key, group);
  check_pending(pending, EntryId::parse(field(groups.items[0], "last-delivered-id").text));
  EXPECT_EQ(field(groups.items[0], "pending").number, static_cast<int64_t>(pending.size()));
  int64_t of_consumers = 0;
  for (const Reply& consumer : ask(*connection, {"XINFO", "CONSUMERS", key, group}).items) {
    of_consumers += field(consumer, "pending").number;
  }
  EXPECT_EQ(of_consumers, static_cast<int64_t>(pending.size()));
}

// They go on from what is there.
void KillChecker::check_counters(RespConnection& connection) {
  for (auto& [name, counter] : counters_) {
    const Reply found = ask(connection, {"GET", name});
    const int64_t value = found.is_null ? 0 : std::stoll(found.text);
    EXPECT_GE(value, counter.answered) << name;
    EXPECT_LE(value, counter.asked) << name;
    counter = {.asked = value, .answered = value};
  }
}

void KillChecker::check_entries(const std::map<EntryId, std::string>& entries) {
  for (const auto& [id, value] : added_) {
    const auto place = entries.find(id);
    const bool is_there = place != entries.end();
    if (deleted_.contains(id) || id < trimmed_) {
      EXPECT_FALSE(is_there) << id.text() << " was removed and came back";
    } else if (!delete_asked_.contains(id) && !(id < trim_asked_)) {
      EXPECT_TRUE(is_there) << id.text() << " was acknowledged and is lost";
    }
    if (is_there) {
      EXPECT_EQ(place->second, value) << id.text();
    }
  }
  std::set<std::string> values;
  for (const auto& [id, value] : entries) {
    EXPECT_TRUE(values.insert(value).second) << value << " is there twice";
    EXPECT_TRUE(values_asked_.contains(value)) << value << " was never sent";
  }
}

void KillChecker::check_pending(const std::map<EntryId, std::string>& pending, const EntryId& last_delivered) {
  for (const auto& [id, consumer] : delivered_) {
    EXPECT_LE(id, last_delivered);
    const auto place = pending.find(id);
    if (acknowledged_.contains(id)) {
      EXPECT_EQ(place, pending.end()) << id.text() << " was acknowledged and is pending again";
    } else if (!acknowledge_asked_.contains(id)) {
      ASSERT_NE(place, pending.end()) << id.text() << " was delivered to " << consumer << " and is not pending";
    }
    if (place != pending.end()) {
      EXPECT_EQ(place->second, consumer) << id.text();
    }
  }
  for (const auto& [id, consumer] : pending) {
    EXPECT_LE(id, last_delivered);
    // What was delivered without the reply arriving counts from now on.
    delivered_.emplace(id, consumer);
  }
}

}  // namespace millrace::test
