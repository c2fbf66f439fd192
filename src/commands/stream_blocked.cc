// BlockedRead. See stream_blocked.h.
#include "commands/stream_blocked.h"

#include <algorithm>

#include "commands/stream_args.h"
#include "resp/errors.h"
#include "streams/delivery.h"

namespace millrace::commands {
namespace {

std::vector<keyspace::KeyPlace> places_of(const ReadRequest& request, int database) {
  std::vector<keyspace::KeyPlace> places;
  for (const ReadTarget& target : request.targets) places.push_back({database, std::string(target.key)});
  std::sort(places.begin(), places.end());
  places.erase(std::unique(places.begin(), places.end()), places.end());
  return places;
}

// So that the wishes for one key are found without a walk over all of them; those for the same key keep their order.
std::vector<ReadTarget> by_key(std::vector<ReadTarget> targets) {
  std::ranges::stable_sort(targets, {}, &ReadTarget::key);
  return targets;
}

ReadOptions with_views(ReadOptions options, const std::string& group, const std::string& consumer) {
  options.group = group;
  options.consumer = consumer;
  return options;
}

}  // namespace

BlockedRead::BlockedRead(CommandContext& context, const ReadRequest& request)
    : BlockedCommand(Ref<Client>(&context.client), places_of(request, context.db.index()),
                     deadline_of(*request.options.block_ms, context.now)),
      group_(request.options.group),
      consumer_(request.options.consumer),
      options_(with_views(request.options, group_, consumer_)),
      wishes_(request.targets.size()) {
  const std::vector<ReadTarget> targets = by_key(request.targets);
  for (size_t i = 0; i < wishes_.size(); ++i) {
    wishes_[i].key = targets[i].key;
    wishes_[i].point = targets[i].point;
    plan_next_look(wishes_[i], targets[i], context.now.unix_ms);
  }
}

bool BlockedRead::try_answer(keyspace::Database& db, std::string_view key, resp::ReplyWriter& reply) {
  const keyspace::KeyEntry* entry = db.find_to_read(key, !client().card.no_touch.load(std::memory_order_relaxed));
  const streams::Stream* read = entry == nullptr ? nullptr : entry->value.stream();
  if (!options_.in_group) return read != nullptr && answer_ready(db, key, *read, nullptr, reply);
  streams::Stream* stream = entry == nullptr ? nullptr : db.will_change(*entry).value.stream();
  streams::Group* group = stream == nullptr ? nullptr : stream->group(options_.group);
  if (group == nullptr) return answer_vanished(key, entry != nullptr && stream == nullptr, reply);
  return answer_ready(db, key, *stream, group, reply);
}

int64_t BlockedRead::next_look_unix_ms() const {
  int64_t next = kNoDeadline;
  for (const Wish& wish : wishes_) next = std::min(next, wish.next_look.load(std::memory_order_relaxed));
  return next;
}

ReadTarget BlockedRead::target_of(const Wish& wish, const streams::Stream* stream, streams::Group* group) const {
  ReadTarget target;
  target.key = wish.key;
  target.stream = stream;
  target.group = group;
  target.point = wish.point;
  target.claims = options_.min_idle_ms.has_value();  // history never blocks, so no id has switched it off
  return target;
}

bool BlockedRead::answer_vanished(std::string_view key, bool wrong_type, resp::ReplyWriter& reply) {
  if (!claim()) return false;
  if (wrong_type) {
    reply.error(resp::kWrongType);
  } else {
    reply.error(resp::no_group_in_xreadgroup(key, options_.group));
  }
  return true;
}

bool BlockedRead::answer_ready(keyspace::Database& db, std::string_view key, const streams::Stream& stream,
                               streams::Group* group, resp::ReplyWriter& reply) {
  const int64_t now_ms = db.now().unix_ms;
  bool claimed = false;
  ReadReply answer(reply, options_);
  const auto key_of = [](const Wish& wish) { return std::string_view(wish.key); };
  for (Wish& wish : std::ranges::equal_range(wishes_, key, {}, key_of)) {
    const ReadTarget target = target_of(wish, &stream, group);
    if (!is_ready(options_, target, now_ms)) {
      plan_next_look(wish, target, now_ms);
      continue;
    }
    if (!claimed && !claim()) return false;
    claimed = true;
    if (!answer.takes_more_streams()) break;
    answer.serve(db, target,
                 group == nullptr ? nullptr : &see_consumer(db, {key, options_.group}, *group, options_.consumer));
  }
  return answer.finish();
}

void BlockedRead::plan_next_look(Wish& wish, const ReadTarget& target, int64_t now_ms) const {
  if (!target.claims || target.group == nullptr) return;
  const int64_t due = streams::next_claim_time_ms(*target.stream, *target.group, *options_.min_idle_ms, now_ms);
  // Nothing is claimable now, so looking again before time has moved on cannot help.
  wish.next_look.store(std::max(due, now_ms + 1), std::memory_order_relaxed);
}

}  // namespace millrace::commands
