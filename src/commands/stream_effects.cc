// See stream_effects.h.
#include "commands/stream_effects.h"

#include <algorithm>
#include <tuple>
#include <vector>

#include "base/check.h"

namespace millrace::commands {

using keyspace::Database;
using keyspace::Effects;
using streams::Group;
using streams::Pending;
using streams::RefPolicy;
using streams::StreamId;

namespace {

StreamId id_of(StreamId id) {
  return id;
}
StreamId id_of(const Pending& record) {
  return record.id;
}

// One XCLAIM. `items` are ids, or records of which only the ids are taken.
template <typename Item>
void add_claim(Database& db, GroupName name, const Group& group, std::string_view consumer, std::span<Item> items,
               int64_t time_ms, int64_t count) {
  constexpr size_t kWordsBeside = 13;
  Effects& effects = *db.effects();
  effects.begin_command(db.index(), kWordsBeside + items.size());
  for (const std::string_view word : {std::string_view("XCLAIM"), name.key, name.group, consumer}) effects.word(word);
  effects.word("0");
  for (const auto& item : items) effects.word(id_of(item));
  effects.word("TIME");
  effects.word(time_ms);
  effects.word("RETRYCOUNT");
  effects.word(count);
  for (const std::string_view word : {"FORCE", "JUSTID", "LASTID"}) effects.word(word);
  effects.word(group.last_delivered);
}

// What makes two records one command.
auto likeness(const Pending& record) {
  return std::tie(record.delivery_count, record.delivery_time_ms);
}

bool comes_before(const Pending& a, const Pending& b) {
  return std::tuple(likeness(a), a.id) < std::tuple(likeness(b), b.id);
}

}  // namespace

void TrimEffect::write(Effects& effects) const {
  if (policy != RefPolicy::kKeepRef) effects.word(policy == RefPolicy::kDelRef ? "DELREF" : "ACKED");
  effects.word("MAXLEN");
  effects.word("=");
  effects.word(static_cast<int64_t>(length));
}

void note_consumer_created(Database& db, GroupName name, std::string_view consumer) {
  Effects* const effects = db.effects();
  if (effects != nullptr) effects->add(db.index(), {"XGROUP", "CREATECONSUMER", name.key, name.group, consumer});
}

void note_delivered(Database& db, GroupName name, const Group& group, std::string_view consumer,
                    std::span<const StreamId> ids) {
  if (db.effects() == nullptr || ids.empty()) return;
  add_claim(db, name, group, consumer, ids, db.now().unix_ms, 1);
}

void note_claimed(Database& db, GroupName name, const Group& group, std::string_view consumer,
                  std::span<const StreamId> ids) {
  if (db.effects() == nullptr || ids.empty()) return;
  std::vector<Pending> records;
  records.reserve(ids.size());
  for (const StreamId id : ids) {
    const auto record = group.pending.find(id);
    CHECK(record);
    records.push_back(*record);
  }
  if (!std::ranges::is_sorted(records, comes_before)) std::ranges::sort(records, comes_before);
  for (std::span<const Pending> left = records; !left.empty();) {
    const auto end = std::ranges::find_if_not(
        left, [&](const Pending& record) { return likeness(record) == likeness(left.front()); });
    const auto alike = left.first(static_cast<size_t>(end - left.begin()));
    add_claim(db, name, group, consumer, alike, alike.front().delivery_time_ms, alike.front().delivery_count);
    left = left.subspan(alike.size());
  }
}

void note_purged(Database& db, GroupName name, std::span<const StreamId> ids) {
  Effects* const effects = db.effects();
  if (effects == nullptr || ids.empty()) return;
  effects->begin_command(db.index(), 3 + ids.size());
  for (const std::string_view word : {std::string_view("XACK"), name.key, name.group}) effects->word(word);
  for (const StreamId id : ids) effects->word(id);
}

void note_position(Database& db, GroupName name, const Group& group) {
  Effects* const effects = db.effects();
  if (effects == nullptr) return;
  effects->begin_command(db.index(), 7);
  for (const std::string_view word : {std::string_view("XGROUP"), std::string_view("SETID"), name.key, name.group}) {
    effects->word(word);
  }
  effects->word(group.last_delivered);
  effects->word("ENTRIESREAD");
  effects->word(group.entries_read);
}

}  // namespace millrace::commands
